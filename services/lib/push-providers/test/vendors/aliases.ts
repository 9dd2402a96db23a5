import { createHash } from 'node:crypto';
import {
  demand,
  type Fault,
  faults,
  HTML,
  RETRY_AFTER_S,
  startServer,
  type Taken,
  type Vendor,
  type VendorAnswer,
  type VendorRequest,
} from './vendor.ts';

interface AliasVendor extends Vendor {
  answer(answer: VendorAnswer): void;
}

/** Getui, version 2 of its API; https://docs.getui.com/getui/server/rest_v2/push/ */
export async function startGetui(): Promise<AliasVendor> {
  const [appKey, masterSecret] = ['getui-key', 'getui-secret'];
  const plan = faults();
  const answers: VendorAnswer[] = [];
  const taken: Taken[] = [];
  const seen = new Set<string>();
  let access = '';
  let logins = 0;
  let devices = 0;
  const ok = (data: object): VendorAnswer => ({ status: 200, body: { code: 0, msg: 'success', data } });
  const failed = (code: number): VendorAnswer => ({ status: 200, body: { code, msg: 'x' } });
  const server = await startServer((request) => {
    demand(request.headers['content-type']?.startsWith('application/json'), failed(301), 'json');
    return request.path === '/auth' ? login(request) : send(request);
  });

  function login({ body }: VendorRequest): VendorAnswer {
    const { sign, timestamp, appkey } = JSON.parse(body.toString());
    const wanted = createHash('sha256').update(`${appKey}${timestamp}${masterSecret}`).digest('hex');
    demand(appkey === appKey && sign === wanted, failed(10_003), 'sign');
    demand(Math.abs(Number(timestamp) - Date.now()) < 600_000, failed(10_003), 'timestamp');
    access = `getui-${++logins}`;
    return ok({ token: access, expire_time: String(Date.now() + 86_400_000) });
  }

  function send({ path, headers, body }: VendorRequest): VendorAnswer {
    const next = answers.shift();
    if (next) return next;
    const fault = plan.next();
    if (fault) return played(fault);
    demand(path === '/push/single/alias', { status: 404 }, 'path');
    demand(headers.token === access, failed(10_001), 'token');
    const { request_id, audience, settings, push_message } = JSON.parse(body.toString());
    demand(/^[\w-]{10,32}$/.test(request_id), failed(20_000), 'request_id');
    demand(audience.alias.length === 1, failed(20_000), 'alias');
    demand(settings.ttl >= -1 && settings.ttl <= 259_200_000, failed(20_000), 'ttl');
    const { title, body: text, click_type } = push_message.notification;
    demand(title && [...title].length <= 50 && text && [...text].length <= 256, failed(20_000), 'text');
    demand(['startapp', 'intent'].includes(click_type), failed(20_000), 'click_type');
    // A repeated id is dropped.
    if (!seen.has(request_id)) taken.push({ tokens: audience.alias, title, body: text, id: request_id });
    seen.add(request_id);
    return ok({ task1: { cid1: 'successed_online' } });
  }

  function played(fault: Fault): VendorAnswer {
    switch (fault) {
      case 'overload':
        return { status: 429, headers: { 'retry-after': String(RETRY_AFTER_S) }, body: { code: 10_006 } };
      case 'unavailable':
        return { status: 500, body: { code: 500, msg: 'server error' } };
      case 'html':
        return HTML;
      case 'refuse':
        return failed(20_001);
      case 'credentials':
        return { status: 401, body: { code: 401 } };
      case 'expiredAccess':
        return failed(10_001);
      case 'cut':
      case 'hang':
        return fault;
      default:
        throw new Error(`Getui has no answer for ${fault}`);
    }
  }

  return {
    name: 'getui',
    settings: {
      getui: {
        appID: 'app',
        appKey,
        masterSecret,
        users: 'all',
        intent: '',
        channelID: 'c',
        channelName: 'Chat',
        url: server.url,
      },
    },
    taken,
    get logins() {
      return logins;
    },
    device: () => alias(++devices),
    fail: plan.fail,
    answer: (answer) => answers.push(answer),
    without: ['gone'],
    [Symbol.asyncDispose]: server.close,
  };
}

/** JPush, version 3 of its API; https://docs.jiguang.cn/en/jpush/server/push/rest_api_v3_push */
export async function startJpush(): Promise<AliasVendor & { readonly attempts: number }> {
  const [appKey, masterSecret] = ['a'.repeat(24), 'b'.repeat(24)];
  const authorization = `Basic ${Buffer.from(`${appKey}:${masterSecret}`).toString('base64')}`;
  const plan = faults();
  const answers: VendorAnswer[] = [];
  const taken: Taken[] = [];
  const issued = new Set<string>();
  const used = new Set<string>();
  let attempts = 0;
  let devices = 0;
  const failed = (status: number, code: number, headers: Record<string, string> = {}): VendorAnswer => ({
    status,
    headers,
    body: { error: { code, message: 'x' } },
  });
  const server = await startServer(({ method, path, headers, body }) => {
    demand(headers.authorization === authorization, failed(401, 1_004), 'authorization');
    if (path.startsWith('/v3/push/cid')) {
      demand(method === 'GET', failed(405, 1_000), 'method');
      const cidlist = Array.from({ length: 100 }, (_, i) => `cid-${issued.size}-${i}`);
      for (const cid of cidlist) issued.add(cid);
      return { status: 200, body: { cidlist } };
    }
    attempts++;
    const next = answers.shift();
    if (next) return next;
    const fault = plan.next();
    if (fault) return played(fault);
    demand(method === 'POST' && path === '/v3/push', failed(404, 1_003), 'path');
    const { cid, platform, audience, notification, options } = JSON.parse(body.toString());
    demand(issued.has(cid), failed(400, 1_003), 'cid');
    demand(platform === 'all', failed(400, 1_003), 'platform');
    const { length } = audience.alias;
    demand(length >= 1 && length <= 1_000, failed(400, 1_003), 'alias');
    demand(Buffer.byteLength(JSON.stringify(notification)) <= 4_000, failed(400, 1_005), 'size');
    demand(
      notification.android.title && notification.ios.alert.title && notification.alert,
      failed(400, 1_003),
      'text',
    );
    demand(
      Number.isInteger(options.time_to_live) && options.apns_production === true,
      failed(400, 1_003),
      'options',
    );
    demand(Buffer.byteLength(options.apns_collapse_id) <= 64, failed(400, 1_003), 'collapse id');
    if (!used.has(cid))
      taken.push({
        tokens: audience.alias,
        title: notification.android.title,
        body: notification.alert,
        badge: notification.ios.badge,
        id: cid,
      });
    used.add(cid);
    return { status: 200, body: { sendno: '0', msg_id: '9' } };
  });

  function played(fault: Fault): VendorAnswer {
    switch (fault) {
      case 'overload':
        return failed(429, 2_002, { 'x-rate-limit-reset': String(RETRY_AFTER_S) });
      case 'unavailable':
        return failed(500, 1_000);
      case 'html':
        return HTML;
      case 'refuse':
        return failed(400, 1_011);
      case 'credentials':
        return failed(401, 1_004);
      case 'cut':
      case 'hang':
        return fault;
      default:
        throw new Error(`JPush has no answer for ${fault}`);
    }
  }

  return {
    name: 'jpush',
    settings: {
      jpush: { appKey, masterSecret, users: 'all', intent: '', apnsProduction: true, url: server.url },
    },
    taken,
    logins: 0,
    get attempts() {
      return attempts;
    },
    device: () => alias(++devices),
    fail: plan.fail,
    answer: (answer) => answers.push(answer),
    // A send that breaks off is repeated.
    without: ['gone', 'expiredAccess', 'cut'],
    [Symbol.asyncDispose]: server.close,
  };
}

function alias(i: number) {
  return { userID: `u${i}`, platformID: 0, kind: 'alias', token: `u${i}`, badge: 3 } as const;
}
