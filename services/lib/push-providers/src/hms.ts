import type { PushProviders } from '@im/contract';
import { AccessToken, oauthToken } from './access-token.ts';
import { credentialsRefused, type HttpAnswer, type HttpSend, jsonOf } from './http.ts';
import { outcomesOf } from './huawei-answer.ts';
import { allOf, type Notification, type PushProvider } from './push-provider.ts';
import { fitBytes } from './text.ts';

const HOST = 'https://push-api.cloud.huawei.com';
const AUTH_HOST = 'https://oauth-login.cloud.huawei.com';
const MAX_TOKENS = 1_000;
/** Largest body without its tokens. */
const MAX_BYTES = 4_096;
/** Codes after which one other access token is tried. */
const TOKEN_REFUSED: ReadonlySet<string> = new Set(['80200001', '80200003']);

/** Huawei Push Kit for Android; https://developer.huawei.com/consumer/en/doc/HMSCore-References/https-send-api-0000001050986197 */
export function hmsProvider(settings: NonNullable<PushProviders['hms']>, send: HttpSend): PushProvider {
  const { appID, appSecret, category } = settings;
  const url = `${settings.url ?? HOST}/v1/${encodeURIComponent(appID)}/messages:send`;

  const form = { grant_type: 'client_credentials', client_id: appID, client_secret: appSecret };
  const authURL = `${settings.authURL ?? AUTH_HOST}/oauth2/v3/token`;
  const access = new AccessToken((signal) => oauthToken(send, authURL, form, signal));

  async function sendOnce(
    body: string,
    signal: AbortSignal,
  ): Promise<{ answer: HttpAnswer; repeat: boolean }> {
    const token = await access.get();
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json; charset=UTF-8' };
    const answer = await send(url, { headers, body, signal });
    const repeat = answer.status === 401 || TOKEN_REFUSED.has(String(jsonOf(answer).code));
    if (repeat) access.drop(token);
    return { answer, repeat };
  }

  return {
    name: 'hms',
    maxDevices: MAX_TOKENS,
    async push(notification, devices, signal) {
      const tokens = devices.map(({ token }) => token);
      const body = bodyOf(notification, category, tokens);
      let { answer, repeat } = await sendOnce(body, signal);
      if (repeat) ({ answer, repeat } = await sendOnce(body, signal));
      return repeat ? allOf(devices, credentialsRefused()) : outcomesOf(answer, devices);
    },
    close() {},
  };
}

function bodyOf(notification: Notification, category: string, token: readonly string[]): string {
  const { ttlSeconds, collapseID } = notification;
  const fitted = fitBytes(notification, MAX_BYTES, ({ title, body, data }) =>
    JSON.stringify({
      validate_only: false,
      message: {
        data: JSON.stringify(data),
        android: {
          urgency: 'HIGH',
          ttl: `${ttlSeconds}s`,
          ...(category !== '' && { category }),
          notification: {
            title,
            body,
            click_action: { type: 3 },
            importance: 'NORMAL',
            tag: collapseID,
            notify_id: notifyID(collapseID),
          },
        },
      },
    }),
  );
  // Tokens do not count.
  return `${fitted.slice(0, -2)},"token":${JSON.stringify(token)}}}`;
}

/** A number by which a notification replaces an earlier one: 0 to 2^31 - 1. */
export function notifyID(collapseID: string): number {
  return Buffer.from(collapseID.padEnd(6, 'A'), 'base64url').readUInt32BE(0) & 0x7fffffff;
}
