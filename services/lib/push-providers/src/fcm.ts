import type { PushProviders } from '@im/contract';
import { AccessToken, oauthToken } from './access-token.ts';
import { type HttpAnswer, type HttpSend, jsonOf, outcomeByStatus, retryAfterMs } from './http.ts';
import { privateKeyOf, signJwt } from './jwt.ts';
import type { Device, Notification, Outcome, PushProvider } from './push-provider.ts';
import { serviceAccountOf } from './service-account.ts';
import { fitBytes } from './text.ts';

const HOST = 'https://fcm.googleapis.com';
const SCOPE = 'https://www.googleapis.com/auth/firebase.messaging';
const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
/** Largest payload; https://firebase.google.com/docs/cloud-messaging/customize-messages/set-message-type */
const MAX_BYTES = 4_096;
/** Shortest wait before a message is repeated; https://firebase.google.com/docs/cloud-messaging/scale-fcm */
const LEAST_WAIT_MS = 10_000;
/** Wait after 429 without Retry-After: quotas are per minute. */
const QUOTA_MS = 60_000;

/**
 * Firebase Cloud Messaging, HTTP v1: one request per device.
 * @throws TypeError for a service account that cannot be used.
 */
export function fcmProvider(settings: NonNullable<PushProviders['fcm']>, send: HttpSend): PushProvider {
  const setting = 'providers.fcm.serviceAccount';
  const fields = ['project_id', 'client_email', 'private_key', 'token_uri'] as const;
  const account = serviceAccountOf(settings.serviceAccount, fields, setting);
  const key = privateKeyOf(account.private_key, 'rsa', `${setting}: private_key`);
  const url = `${settings.url ?? HOST}/v1/projects/${encodeURIComponent(account.project_id)}/messages:send`;

  const access = new AccessToken(async (signal) => {
    const iat = Math.floor(Date.now() / 1_000);
    const claims = { iss: account.client_email, scope: SCOPE, aud: account.token_uri, iat, exp: iat + 3_600 };
    const assertion = signJwt('RS256', key, { typ: 'JWT' }, claims);
    return oauthToken(send, account.token_uri, { grant_type: GRANT, assertion }, signal);
  });

  async function sendOnce(body: string, signal: AbortSignal): Promise<HttpAnswer> {
    const token = await access.get();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await send(url, { headers, body, signal });
    if (answer.status === 401 && errorOf(answer).code !== 'THIRD_PARTY_AUTH_ERROR') access.drop(token);
    return answer;
  }

  return {
    name: 'fcm',
    maxDevices: 1,
    async push(notification, [device], signal) {
      if (!device) return [];
      const body = bodyOf(notification, device);
      let answer = await sendOnce(body, signal);
      // The access token may have been revoked before its time.
      if (answer.status === 401 && errorOf(answer).code !== 'THIRD_PARTY_AUTH_ERROR')
        answer = await sendOnce(body, signal);
      return [outcomeOf(answer)];
    },
    close() {},
  };
}

/** The body of a request: token and data for the app, and how each platform shows it. */
function bodyOf(notification: Notification, { token, badge }: Device): string {
  const { sound, ttlSeconds, collapseID } = notification;
  const expiration = ttlSeconds === 0 ? 0 : Math.floor(Date.now() / 1_000) + ttlSeconds;
  return fitBytes(notification, MAX_BYTES, ({ title, body, data }) =>
    JSON.stringify({
      message: {
        token,
        notification: { title, body },
        data,
        android: {
          collapse_key: collapseID,
          priority: 'HIGH',
          ttl: `${ttlSeconds}s`,
          notification: {
            tag: collapseID,
            ...(sound !== '' && { default_sound: true }),
            ...(badge !== undefined && { notification_count: badge }),
          },
        },
        apns: {
          headers: {
            'apns-collapse-id': collapseID,
            'apns-priority': '10',
            'apns-expiration': String(expiration),
          },
          payload: { aps: { ...(badge !== undefined && { badge }), ...(sound !== '' && { sound }) } },
        },
        webpush: { headers: { TTL: String(ttlSeconds), Urgency: 'high', Topic: collapseID } },
      },
    }),
  );
}

interface FcmError {
  /** `errorCode` of the FcmError, or else the status of the error. */
  readonly code: string;
  /** Fields that a BadRequest names. */
  readonly fields: readonly string[];
}

interface ErrorDetail {
  readonly '@type'?: string;
  readonly errorCode?: string;
  readonly fieldViolations?: readonly { readonly field?: string }[];
}

function errorOf(answer: HttpAnswer): FcmError {
  const { error } = jsonOf(answer) as { error?: { status?: string; details?: unknown } };
  const details: readonly ErrorDetail[] = Array.isArray(error?.details) ? error.details : [];
  const code = details.find((detail) => detail['@type']?.endsWith('FcmError'))?.errorCode;
  const fields = details.flatMap(({ fieldViolations = [] }) =>
    fieldViolations.flatMap(({ field }) => field ?? []),
  );
  return { code: code ?? error?.status ?? '', fields };
}

function outcomeOf(answer: HttpAnswer): Outcome {
  const { status, headers } = answer;
  if (status === 200) {
    const { name } = jsonOf(answer);
    return { kind: 'taken', ...(typeof name === 'string' && { id: name }) };
  }
  const { code, fields } = errorOf(answer);
  const waitMs = (otherwise: number) => Math.max(LEAST_WAIT_MS, retryAfterMs(headers) ?? otherwise);
  switch (code) {
    case 'UNREGISTERED':
      return { kind: 'gone', reason: code };
    case 'INVALID_ARGUMENT':
      // Only a violation at the token is about the token.
      return fields.includes('message.token')
        ? { kind: 'gone', reason: code }
        : { kind: 'refused', reason: code };
    // With credentials of a wrong project every token is refused: none is removed for it.
    case 'SENDER_ID_MISMATCH':
    case 'THIRD_PARTY_AUTH_ERROR':
      return { kind: 'refused', reason: code };
    case 'QUOTA_EXCEEDED':
      return { kind: 'later', reason: code, afterMs: waitMs(QUOTA_MS), provider: true };
    case 'UNAVAILABLE':
      return { kind: 'later', reason: code, afterMs: waitMs(LEAST_WAIT_MS), provider: true };
    case 'INTERNAL':
      return { kind: 'later', reason: code, afterMs: waitMs(LEAST_WAIT_MS) };
    default: {
      const outcome = outcomeByStatus(answer);
      return outcome.kind === 'later'
        ? { ...outcome, afterMs: Math.max(LEAST_WAIT_MS, outcome.afterMs) }
        : outcome;
    }
  }
}
