import { generateKeyPairSync } from 'node:crypto';
import { verifyJwt } from './jwt.ts';
import {
  demand,
  type Fault,
  faults,
  HTML,
  startServer,
  type Taken,
  type Vendor,
  type VendorAnswer,
  type VendorRequest,
} from './vendor.ts';

const APP = '10086';
const SECRET = 'app-secret';
const PROJECT = 'project-1';
const SUB_ACCOUNT = '1001';
const AUDIENCE = 'https://oauth-login.cloud.huawei.com/oauth2/v3/token';

const code = (value: string, msg: unknown = 'x', status = 200): VendorAnswer => ({
  status,
  body: { code: value, msg: typeof msg === 'string' ? msg : JSON.stringify(msg), requestId: 'r1' },
});

/** Codes that mean the same at both services, by what they are to a device. */
export const HUAWEI_CODES = {
  refused: ['80100001', '80100003', '80100016', '80300002', '80300008', '80300010', '89999999'],
  gone: ['80300007'],
  later: ['80200001', '81000001'],
} as const;

interface HuaweiVendor extends Vendor {
  answer(answer: VendorAnswer): void;
  code: typeof code;
  /** Tokens that it reports as illegal. */
  readonly illegal: Set<string>;
}

/** Faults of both services. */
function played(fault: Fault, expired: VendorAnswer): VendorAnswer {
  switch (fault) {
    case 'gone':
      return code('80300007');
    // 503 is flow control.
    case 'overload':
      return { status: 503, headers: { 'retry-after': '77' } };
    case 'unavailable':
      return { status: 500, body: '' };
    case 'html':
      return HTML;
    case 'refuse':
      return code('80100016');
    case 'credentials':
      return code('80200001');
    case 'expiredAccess':
      return expired;
    case 'cut':
    case 'hang':
      return fault;
    default:
      return fault satisfies never;
  }
}

/** Push Kit for Android; https://developer.huawei.com/consumer/en/doc/HMSCore-References/https-send-api-0000001050986197 */
export async function startHms(): Promise<HuaweiVendor> {
  const plan = faults();
  const answers: VendorAnswer[] = [];
  const taken: Taken[] = [];
  const illegal = new Set<string>();
  let access = '';
  let logins = 0;
  let devices = 0;
  const server = await startServer((request) =>
    request.path === '/oauth2/v3/token' ? login(request) : send(request),
  );

  function login({ headers, body }: VendorRequest): VendorAnswer {
    const refuse: VendorAnswer = { status: 400, body: { error: 1101, sub_error: 20001 } };
    demand(headers['content-type'] === 'application/x-www-form-urlencoded', refuse, 'form');
    const form = Object.fromEntries(new URLSearchParams(body.toString()));
    const { grant_type, client_id, client_secret } = form;
    demand(
      grant_type === 'client_credentials' && client_id === APP && client_secret === SECRET,
      refuse,
      'credentials',
    );
    access = `hms-${++logins}`;
    return { status: 200, body: { access_token: access, expires_in: 3_600, token_type: 'Bearer' } };
  }

  function send({ method, path, headers, body }: VendorRequest): VendorAnswer {
    const next = answers.shift();
    if (next) return next;
    const fault = plan.next();
    if (fault) return played(fault, code('80200003'));
    demand(method === 'POST' && path === `/v1/${APP}/messages:send`, { status: 404 }, 'path');
    demand(headers.authorization === `Bearer ${access}`, code('80200003'), 'bearer');
    const { message } = JSON.parse(body.toString());
    const { token, ...rest } = message;
    demand(Array.isArray(token) && token.length >= 1, code('80100003'), 'token');
    demand(token.length <= 1_000, code('80300010'), 'tokens');
    demand(
      Buffer.byteLength(JSON.stringify({ validate_only: false, message: rest })) <= 4_096,
      code('80300008'),
      'size',
    );
    const { android } = message;
    demand(
      /^\d+s$/.test(android.ttl) && ['HIGH', 'NORMAL'].includes(android.urgency),
      code('80100003'),
      'android',
    );
    demand(android.notification.title && android.notification.body, code('80100003'), 'text');
    demand([1, 2, 3].includes(android.notification.click_action.type), code('80100003'), 'click_action');
    demand(
      ['LOW', 'NORMAL', 'HIGH'].includes(android.notification.importance),
      code('80100003'),
      'importance',
    );
    demand(typeof message.data === 'string', code('80100003'), 'data');
    return report(token, android.notification);
  }

  function report(token: string[], { title, body }: { title: string; body: string }): VendorAnswer {
    const wrong = token.filter((one) => illegal.has(one));
    const rest = token.filter((one) => !illegal.has(one));
    if (rest.length > 0) taken.push({ tokens: rest, title, body });
    if (rest.length === 0) return code('80300007');
    return wrong.length === 0
      ? code('80000000', 'Success')
      : code('80100000', { success: rest.length, failure: wrong.length, illegal_tokens: wrong });
  }

  return {
    name: 'hms',
    settings: {
      hms: { appID: APP, appSecret: SECRET, category: 'IM', url: server.url, authURL: server.url },
    },
    taken,
    illegal,
    code,
    get logins() {
      return logins;
    },
    device: () => ({ userID: 'u', platformID: 2, kind: 'hms', token: `hms${++devices}` }),
    fail: plan.fail,
    answer: (answer) => answers.push(answer),
    // A refused access token is replaced once.
    without: ['credentials'],
    [Symbol.asyncDispose]: server.close,
  };
}

/** Push Kit for HarmonyOS, version 3; https://developer.huawei.com/consumer/en/doc/harmonyos-references/push-scenariozed-api-request-struct */
export async function startHos(): Promise<HuaweiVendor> {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const plan = faults();
  const answers: VendorAnswer[] = [];
  const taken: Taken[] = [];
  const illegal = new Set<string>();
  let devices = 0;
  const server = await startServer(({ method, path, headers, body }) => {
    const next = answers.shift();
    if (next) return next;
    const fault = plan.next();
    if (fault) return played(fault, code('80200005', 'x', 401));
    demand(method === 'POST' && path === `/v3/${PROJECT}/messages:send`, { status: 404 }, 'path');
    const jwt = verifyJwt(String(headers.authorization).replace(/^Bearer /, ''), 'PS256', publicKey);
    demand(jwt && jwt.header.kid === 'kid-1' && jwt.header.typ === 'JWT', code('80200001', 'x', 401), 'jwt');
    const { iss, aud, iat, exp } = jwt.claims;
    demand(iss === SUB_ACCOUNT && aud === AUDIENCE, code('80200001', 'x', 401), 'claims');
    const now = Date.now() / 1_000;
    demand(
      Number(iat) <= now + 60 && Number(exp) > now && Number(exp) - Number(iat) <= 3_600,
      code('80200005'),
      'times',
    );
    demand(headers['push-type'] === '0', code('80100003'), 'push-type');
    const { payload, target, pushOptions } = JSON.parse(body.toString());
    demand(Buffer.byteLength(JSON.stringify({ payload, pushOptions })) <= 4_096, code('80300008'), 'size');
    const { title, body: text, category, clickAction } = payload.notification;
    demand(title && text && category && clickAction.actionType === 0, code('80100003'), 'notification');
    demand(
      Number.isInteger(pushOptions.ttl) && typeof pushOptions.testMessage === 'boolean',
      code('80100003'),
      'options',
    );
    const tokens: string[] = target.token;
    demand(tokens.length >= 1 && tokens.length <= 1_000, code('80300010'), 'tokens');
    const wrong = tokens.filter((one) => illegal.has(one));
    const rest = tokens.filter((one) => !illegal.has(one));
    if (rest.length === 0) return code('80300007');
    taken.push({ tokens: rest, title, body: text });
    return wrong.length === 0
      ? code('80000000', 'Success')
      : code('80100000', { success: rest.length, failure: wrong.length, illegalTokens: wrong });
  });
  const serviceAccount = JSON.stringify({
    project_id: PROJECT,
    key_id: 'kid-1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    sub_account: SUB_ACCOUNT,
  });
  return {
    name: 'hos',
    settings: { hos: { serviceAccount, category: 'IM', testMessage: false, url: server.url } },
    taken,
    illegal,
    code,
    logins: 0,
    device: () => ({ userID: 'u', platformID: 11, kind: 'hos', token: `hos${++devices}` }),
    fail: plan.fail,
    answer: (answer) => answers.push(answer),
    without: [],
    [Symbol.asyncDispose]: server.close,
  };
}
