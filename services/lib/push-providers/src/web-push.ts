import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { PushProviders } from '@im/contract';
import { type HttpAnswer, type HttpSend, outcomeByStatus, retryAfterMs } from './http.ts';
import { signJwt } from './jwt.ts';
import type { Notification, Outcome, PushProvider } from './push-provider.ts';
import { subscriptionOf } from './push-token.ts';
import { fitBytes } from './text.ts';
import { encryptWebPush, MAX_PLAIN_BYTES } from './web-push-encryption.ts';

/** Lifetime of a VAPID token, at most 24 hours (RFC 8292); it is made again when half of it is over. */
const LIFETIME_S = 12 * 3_600;
/** Push services whose tokens are kept; browsers have a handful. */
const MAX_TOKENS = 64;
const TOO_OFTEN_MS = 60_000;

/**
 * Web Push: one request per device, to the endpoint that its browser gave.
 * @throws TypeError for keys that cannot be used.
 */
export function webPushProvider(
  settings: NonNullable<PushProviders['webPush']>,
  send: HttpSend,
): PushProvider {
  const key = vapidKey(settings);
  const tokens = new Map<string, { readonly jwt: string; readonly iat: number }>();

  const authorization = (origin: string): string => {
    const iat = Math.floor(Date.now() / 1_000);
    let token = tokens.get(origin);
    if (!token || iat - token.iat > LIFETIME_S / 2) {
      const claims = { aud: origin, exp: iat + LIFETIME_S, sub: settings.subject };
      token = { jwt: signJwt('ES256', key, { typ: 'JWT' }, claims), iat };
      if (tokens.size >= MAX_TOKENS) tokens.clear();
      tokens.set(origin, token);
    }
    return `vapid t=${token.jwt}, k=${settings.publicKey}`;
  };

  return {
    name: 'webPush',
    maxDevices: 1,
    async push(notification, [device], signal) {
      if (!device) return [];
      const subscription = subscriptionOf(device.token);
      if (!subscription) return [{ kind: 'gone', reason: 'subscription' }];
      const { endpoint } = subscription;
      // The endpoint is a client's choice: it must not make the server call others.
      if (endpoint.port !== '' || !settings.hosts.some((host) => matches(endpoint.hostname, host)))
        return [{ kind: 'refused', reason: 'host' }];
      let body: Buffer<ArrayBuffer>;
      try {
        body = encryptWebPush(Buffer.from(plainOf(notification, device.badge)), subscription);
      } catch {
        // No point of the curve.
        return [{ kind: 'gone', reason: 'subscription' }];
      }
      const answer = await send(endpoint.href, {
        headers: {
          authorization: authorization(endpoint.origin),
          ttl: String(notification.ttlSeconds),
          urgency: 'high',
          topic: notification.collapseID,
          'content-encoding': 'aes128gcm',
          'content-type': 'application/octet-stream',
        },
        body,
        signal,
      });
      return [outcomeOf(answer)];
    },
    close() {},
  };
}

/** What the service worker of the app gets. */
function plainOf(notification: Notification, badge: number | undefined): string {
  return fitBytes(notification, MAX_PLAIN_BYTES, ({ title, body, data }) =>
    JSON.stringify({
      title,
      body,
      tag: notification.collapseID,
      data,
      ...(badge !== undefined && { badge }),
    }),
  );
}

function outcomeOf(answer: HttpAnswer): Outcome {
  const { status, headers } = answer;
  if (status >= 200 && status < 300) {
    const id = headers.get('location');
    return { kind: 'taken', ...(id !== null && { id }) };
  }
  if (status === 404 || status === 410) return { kind: 'gone', reason: 'subscription' };
  // The limit is that of one subscription, and other services are not concerned.
  if (status === 429)
    return { kind: 'later', reason: 'overload', afterMs: retryAfterMs(headers) ?? TOO_OFTEN_MS };
  const outcome = outcomeByStatus(answer);
  return outcome.kind === 'later'
    ? { kind: 'later', reason: outcome.reason, afterMs: outcome.afterMs }
    : outcome;
}

/** Whether a host is the one allowed, or below it when that begins with `*.`. */
function matches(host: string, allowed: string): boolean {
  return allowed.startsWith('*.') ? host.endsWith(allowed.slice(1)) : host === allowed;
}

function vapidKey({ publicKey, privateKey }: NonNullable<PushProviders['webPush']>): KeyObject {
  const point = Buffer.from(publicKey, 'base64url');
  const fault =
    'providers.webPush: publicKey and privateKey must be a P-256 key pair, 65 and 32 bytes as base64url';
  if (point.length !== 65 || point[0] !== 4) throw new TypeError(fault);
  try {
    const x = point.subarray(1, 33).toString('base64url');
    const y = point.subarray(33).toString('base64url');
    // Libraries that write the number leave out its leading zeros.
    const d = Buffer.concat([Buffer.alloc(32), Buffer.from(privateKey, 'base64url')])
      .subarray(-32)
      .toString('base64url');
    return createPrivateKey({ key: { kty: 'EC', crv: 'P-256', x, y, d }, format: 'jwk' });
  } catch {
    throw new TypeError(fault);
  }
}
