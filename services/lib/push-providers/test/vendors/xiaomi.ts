import {
  demand,
  type Fault,
  faults,
  HTML,
  startServer,
  type Taken,
  type Vendor,
  type VendorAnswer,
} from './vendor.ts';

const SECRET = 'mi-secret';
const PACKAGE = 'com.example.chat';
const TWO_WEEKS_MS = 14 * 24 * 3_600_000;

const failed = (value: number): VendorAnswer => ({
  status: 200,
  body: { result: 'error', code: value, description: 'x', reason: 'x', trace_id: 't' },
});

/** Codes by what they are to a device. */
export const MI_CODES = {
  later: [10_001, 10_002, 10_003, 10_027, 21_301],
  refused: [10_008, 10_016, 10_017, 10_031, 10_034, 22_007, 22_022, 27_001, 65_009, 99_999],
} as const;

/** Xiaomi Push by regid; https://dev.mi.com/xiaomihyperos/documentation/detail?pId=1559 */
export async function startXiaomi(): Promise<Vendor & { answerCode(code: number): void }> {
  const plan = faults();
  const codes: number[] = [];
  const taken: Taken[] = [];
  let devices = 0;
  const server = await startServer(({ method, path, headers, body }) => {
    const next = codes.shift();
    if (next !== undefined) return failed(next);
    const fault = plan.next();
    if (fault) return played(fault);
    demand(method === 'POST' && path === '/v3/message/regid', { status: 404 }, 'path');
    demand(headers.authorization === `key=${SECRET}`, failed(21_301), 'key');
    demand(headers['content-type'] === 'application/x-www-form-urlencoded', failed(10_008), 'form');
    const form = Object.fromEntries(new URLSearchParams(body.toString()));
    const { title = '', description = '', payload = '', registration_id = '' } = form;
    const tokens = registration_id.split(',');
    demand(registration_id !== '', failed(10_016), 'registration_id');
    demand(tokens.length <= 1_000, failed(10_017), 'regids');
    demand(title !== '' && [...title].length < 50, failed(65_009), 'title');
    demand(description !== '' && [...description].length < 128, failed(65_009), 'description');
    demand(Buffer.byteLength(payload) <= 4_096, failed(65_009), 'payload');
    demand(form.restricted_package_name === PACKAGE, failed(22_022), 'package');
    demand(form['extra.channel_id'] === 'chat', failed(27_001), 'channel');
    demand(form.pass_through === '0', failed(10_017), 'pass_through');
    const ttl = Number(form.time_to_live);
    demand(Number.isInteger(ttl) && ttl <= TWO_WEEKS_MS, failed(10_017), 'time_to_live');
    const id = Number(form.notify_id);
    demand(Number.isInteger(id) && id >= 0 && id < 2 ** 31, failed(10_017), 'notify_id');
    taken.push({ tokens, title, body: description });
    return { status: 200, body: { result: 'ok', code: 0, data: { id: 'm1' }, trace_id: 't' } };
  });

  function played(fault: Fault): VendorAnswer {
    switch (fault) {
      case 'overload':
        return failed(10_027);
      case 'unavailable':
        return failed(10_001);
      case 'html':
        return HTML;
      case 'refuse':
        return failed(10_031);
      case 'credentials':
        return failed(21_301);
      case 'cut':
      case 'hang':
        return fault;
      default:
        throw new Error(`Xiaomi has no answer for ${fault}`);
    }
  }

  return {
    name: 'mi',
    settings: { mi: { appSecret: SECRET, packageName: PACKAGE, channelID: 'chat', url: server.url } },
    taken,
    logins: 0,
    device: () => ({ userID: 'u', platformID: 2, kind: 'mi', token: `mi${++devices}` }),
    fail: plan.fail,
    answerCode: (code) => codes.push(code),
    // It reports dead regids by a callback alone.
    without: ['gone', 'expiredAccess'],
    [Symbol.asyncDispose]: server.close,
  };
}
