import { createHmac } from 'node:crypto';
import type { Device } from '../../src/index.ts';
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
} from './vendor.ts';

const KEY = Buffer.alloc(32, 7);

/** A receiver of generic webhooks that verifies as https://www.standardwebhooks.com says. */
export async function startReceiver(): Promise<Vendor> {
  const plan = faults();
  const taken: Taken[] = [];
  let devices = 0;
  const server = await startServer(({ method, path, headers, body }) => {
    const fault = plan.next();
    demand(method === 'POST' && path === '/push?app=1', { status: 404 }, 'path');
    const { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signature } = headers;
    const signed = createHmac('sha256', KEY).update(`${id}.${seconds}.`).update(body).digest('base64');
    demand(signature === `v1,${signed}`, { status: 401 }, 'signature');
    demand(Math.abs(Number(seconds) - Date.now() / 1_000) < 300, { status: 401 }, 'timestamp');
    const { id: named, title, body: text, devices: all } = JSON.parse(body.toString());
    demand(named === id && title && text, { status: 422 }, 'body');
    const tokens = all.map((device: Device) => device.token);
    if (fault) return played(fault, tokens);
    taken.push({ tokens: tokens.map((token: string) => token.replace(/^oppo:/, '')), title, body: text, id });
    return { status: 202 };
  });

  function played(fault: Fault, tokens: readonly string[]): VendorAnswer {
    switch (fault) {
      case 'gone':
        return { status: 200, body: { dropTokens: tokens } };
      case 'overload':
        return { status: 429, headers: { 'retry-after': String(RETRY_AFTER_S) } };
      case 'unavailable':
        return { status: 503 };
      case 'html':
        return HTML;
      case 'refuse':
        return { status: 302, headers: { location: server.url } };
      case 'credentials':
        return { status: 401 };
      case 'cut':
      case 'hang':
        return fault;
      default:
        throw new Error(`a receiver has no answer for ${fault}`);
    }
  }

  return {
    name: 'webhook',
    settings: {
      webhook: {
        url: `${server.url}/push?app=1`,
        secret: `whsec_${KEY.toString('base64')}`,
        kinds: ['oppo'],
        users: 'none',
      },
    },
    taken,
    logins: 0,
    device: () => ({ userID: 'u', platformID: 2, kind: 'oppo', token: `o${++devices}`, badge: 3 }),
    fail: plan.fail,
    without: ['expiredAccess'],
    [Symbol.asyncDispose]: server.close,
  };
}
