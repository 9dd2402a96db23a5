import type { PushProviders } from '@im/contract';
import { notifyID } from './hms.ts';
import { type HttpSend, jsonOf } from './http.ts';
import { outcomesOf } from './huawei-answer.ts';
import { privateKeyOf, signJwt } from './jwt.ts';
import type { Notification, PushProvider } from './push-provider.ts';
import { serviceAccountOf } from './service-account.ts';
import { fitBytes } from './text.ts';

const HOST = 'https://push-api.cloud.huawei.com';
const AUDIENCE = 'https://oauth-login.cloud.huawei.com/oauth2/v3/token';
const MAX_TOKENS = 1_000;
const MAX_BYTES = 4_096;
/** Lifetime of a JWT; it is made again when half of it is over. */
const LIFETIME_S = 3_600;
const JWT_EXPIRED = '80200005';

/**
 * Huawei Push Kit for HarmonyOS NEXT, version 3 of its API; it takes JWTs made by the sender alone.
 * https://developer.huawei.com/consumer/en/doc/harmonyos-references/push-scenariozed-api-request-struct
 * @throws TypeError for a service account that cannot be used.
 */
export function hosProvider(settings: NonNullable<PushProviders['hos']>, send: HttpSend): PushProvider {
  const setting = 'providers.hos.serviceAccount';
  const fields = ['project_id', 'key_id', 'private_key', 'sub_account'] as const;
  const account = serviceAccountOf(settings.serviceAccount, fields, setting);
  const key = privateKeyOf(account.private_key, 'rsa', `${setting}: private_key`);
  const url = `${settings.url ?? HOST}/v3/${encodeURIComponent(account.project_id)}/messages:send`;
  let token: { readonly jwt: string; readonly iat: number } | undefined;

  const bearer = (): string => {
    const iat = Math.floor(Date.now() / 1_000);
    if (!token || iat - token.iat > LIFETIME_S / 2) {
      const claims = { iss: account.sub_account, aud: AUDIENCE, iat, exp: iat + LIFETIME_S };
      token = { jwt: signJwt('PS256', key, { kid: account.key_id, typ: 'JWT' }, claims), iat };
    }
    return token.jwt;
  };

  return {
    name: 'hos',
    maxDevices: MAX_TOKENS,
    async push(notification, devices, signal) {
      const tokens = devices.map((device) => device.token);
      const body = bodyOf(notification, settings, tokens);
      const sendOnce = () =>
        send(url, {
          headers: {
            authorization: `Bearer ${bearer()}`,
            'content-type': 'application/json',
            // An alert, shown by the system.
            'push-type': '0',
          },
          body,
          signal,
        });
      let answer = await sendOnce();
      if (jsonOf(answer).code === JWT_EXPIRED) {
        token = undefined;
        answer = await sendOnce();
      }
      return outcomesOf(answer, devices);
    },
    close() {},
  };
}

function bodyOf(
  notification: Notification,
  { category, testMessage }: NonNullable<PushProviders['hos']>,
  tokens: readonly string[],
): string {
  const { ttlSeconds, collapseID } = notification;
  const target = JSON.stringify({ token: tokens });
  const fitted = fitBytes(notification, MAX_BYTES, ({ title, body, data }) =>
    JSON.stringify({
      payload: {
        notification: {
          category,
          title,
          body,
          clickAction: { actionType: 0, data },
          notifyId: notifyID(collapseID),
        },
      },
      pushOptions: { testMessage, ttl: ttlSeconds },
    }),
  );
  return `${fitted.slice(0, -1)},"target":${target}}`;
}
