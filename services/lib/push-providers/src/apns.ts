import { createHash } from 'node:crypto';
import type { PushProviders } from '@im/contract';
import { type ApnsAnswer, ApnsConnection } from './apns-connection.ts';
import { credentialsRefused, jsonOf, retryAfterMs } from './http.ts';
import { privateKeyOf, signJwt } from './jwt.ts';
import type { Device, Notification, Outcome, PushProvider } from './push-provider.ts';
import { fitBytes } from './text.ts';

const PRODUCTION = 'https://api.push.apple.com';
const SANDBOX = 'https://api.sandbox.push.apple.com';
/** https://developer.apple.com/documentation/usernotifications/generating-a-remote-notification */
const MAX_BYTES = 4_096;
/** Tokens may be renewed after 20 and must be renewed after 60 minutes. */
const RENEW_MS = 45 * 60_000;
const LEAST_AGE_MS = 20 * 60_000;
const FAILING_MS = 60_000;
const DEVICE_BUSY_MS = 60_000;

/** Reasons by which Apple refuses a request for good; https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns */
const REFUSALS: ReadonlySet<string> = new Set(
  (
    'BadCollapseId BadExpirationDate BadMessageId BadPriority BadTopic DeviceTokenNotForTopic DuplicateHeaders IdleTimeout ' +
    'InvalidPushType MissingDeviceToken MissingTopic PayloadEmpty TopicDisallowed Forbidden BadPath MethodNotAllowed PayloadTooLarge'
  ).split(' '),
);

export interface ApnsDeps {
  /** Internal networks in which the service, such as a proxy in front of it, may be. @default none */
  readonly allowedNetworks?: readonly string[];
  /** Milliseconds since 1970. @default the clock */
  readonly now?: () => number;
}

/**
 * Apple Push Notification service: one request per device, over one connection per environment.
 * @throws TypeError for a key that cannot be used.
 */
export function apnsProvider(
  settings: NonNullable<PushProviders['apns']>,
  { allowedNetworks = [], now = Date.now }: ApnsDeps = {},
): PushProvider {
  const key = privateKeyOf(settings.key, 'ec', 'providers.apns.key');
  const connections = new Map<string, ApnsConnection>();
  let token: { readonly jwt: string; readonly madeAt: number } | undefined;

  const bearer = (): string => {
    if (!token || now() - token.madeAt > RENEW_MS) {
      const claims = { iss: settings.teamID, iat: Math.floor(now() / 1_000) };
      token = { jwt: signJwt('ES256', key, { kid: settings.keyID }, claims), madeAt: now() };
    }
    return token.jwt;
  };

  /** Whether another token may be tried in the place of a refused one. */
  const renewed = (refused: string): boolean => {
    if (token?.jwt !== refused) return true;
    if (now() - token.madeAt < LEAST_AGE_MS) return false;
    token = undefined;
    return true;
  };

  const connectionOf = ({ kind }: Device): ApnsConnection => {
    const sandbox = settings.sandbox || kind === 'apns-sandbox';
    const authority = settings.url ?? (sandbox ? SANDBOX : PRODUCTION);
    const known = connections.get(authority) ?? new ApnsConnection(authority, allowedNetworks);
    connections.set(authority, known);
    return known;
  };

  return {
    name: 'apns',
    maxDevices: 1,
    async push(notification, [device], signal) {
      if (!device) return [];
      const body = payloadOf(notification, device);
      const send = (jwt: string) =>
        connectionOf(device).request(
          { ...headersOf(notification, device, settings.topic), authorization: `bearer ${jwt}` },
          body,
          signal,
        );
      const jwt = bearer();
      let answer = await send(jwt);
      if (reasonOf(answer) === 'ExpiredProviderToken' && renewed(jwt)) answer = await send(bearer());
      return [outcomeOf(answer)];
    },
    close() {
      for (const connection of connections.values()) connection.close();
    },
  };
}

function headersOf(notification: Notification, device: Device, topic: string): Record<string, string> {
  const { ttlSeconds, collapseID, id } = notification;
  return {
    ':path': `/3/device/${encodeURIComponent(device.token)}`,
    'apns-topic': topic,
    'apns-push-type': 'alert',
    'apns-priority': '10',
    // Without a lifetime it is delivered once or never.
    'apns-expiration': String(ttlSeconds === 0 ? 0 : Math.floor(Date.now() / 1_000) + ttlSeconds),
    'apns-collapse-id': collapseID,
    'apns-id': uuidOf(id, device.token),
  };
}

/** The same id in every attempt for the same message and device. */
function uuidOf(...parts: readonly string[]): string {
  const hex = createHash('sha256').update(parts.join('\n')).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

function payloadOf(notification: Notification, { badge }: Device): string {
  const { sound, collapseID } = notification;
  return fitBytes(notification, MAX_BYTES, ({ title, body, data }) =>
    JSON.stringify({
      ...data,
      aps: {
        alert: { title, body },
        'thread-id': collapseID,
        ...(badge !== undefined && { badge }),
        ...(sound !== '' && { sound }),
      },
    }),
  );
}

function reasonOf(answer: ApnsAnswer): string {
  const { reason } = jsonOf(answer);
  return typeof reason === 'string' ? reason : '';
}

function outcomeOf(answer: ApnsAnswer): Outcome {
  const { status, headers } = answer;
  if (status === 200) {
    const id = headers['apns-id'];
    return { kind: 'taken', ...(typeof id === 'string' && { id }) };
  }
  const reason = reasonOf(answer);
  const asked = retryAfterMs({ get: (name) => String(headers[name] ?? '') || null });
  switch (reason) {
    case 'Unregistered':
    case 'ExpiredToken': {
      const { timestamp } = jsonOf(answer);
      return { kind: 'gone', reason, ...(typeof timestamp === 'number' && { sinceMs: timestamp }) };
    }
    case 'BadDeviceToken':
      return { kind: 'gone', reason };
    case 'TooManyRequests':
      return { kind: 'later', reason, afterMs: asked ?? DEVICE_BUSY_MS };
    case 'TooManyProviderTokenUpdates':
      return { kind: 'later', reason, afterMs: asked ?? FAILING_MS, provider: true };
    case 'ExpiredProviderToken':
    case 'InvalidProviderToken':
    case 'MissingProviderToken':
      return { ...credentialsRefused(), reason } as Outcome;
    default:
      if (status === 410) return { kind: 'gone', reason: 'Unregistered' };
      if (status >= 500 || status === 429)
        return { kind: 'later', reason: 'unavailable', afterMs: asked ?? FAILING_MS, provider: true };
      return { kind: 'refused', reason: REFUSALS.has(reason) ? reason : 'rejected' };
  }
}
