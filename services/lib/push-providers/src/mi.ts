import type { PushProviders } from '@im/contract';
import { notifyID } from './hms.ts';
import { credentialsRefused, type HttpSend, jsonOf, outcomeByStatus } from './http.ts';
import { allOf, type Notification, type Outcome, type PushProvider } from './push-provider.ts';
import { bytesOf, cutCharacters } from './text.ts';

const HOST = 'https://api.xmpush.xiaomi.com';
const MAX_TOKENS = 1_000;
/** Fewer than 50 and 128 characters; https://dev.mi.com/xiaomihyperos/documentation/detail?pId=1559 */
const MAX_TITLE = 49;
const MAX_DESCRIPTION = 127;
const MAX_PAYLOAD_BYTES = 4_000;
const FAILING_MS = 30_000;
const TOO_OFTEN_MS = 60_000;

/** Codes of Xiaomi, which come with HTTP 200. */
const BY_CODE: Readonly<Record<number, Outcome>> = {
  10001: { kind: 'later', reason: 'unavailable', afterMs: FAILING_MS, provider: true },
  10002: { kind: 'later', reason: 'unavailable', afterMs: FAILING_MS, provider: true },
  10003: { kind: 'later', reason: 'unavailable', afterMs: FAILING_MS, provider: true },
  10008: { kind: 'refused', reason: 'parameters' },
  10016: { kind: 'refused', reason: 'parameters' },
  10017: { kind: 'refused', reason: 'parameters' },
  10027: { kind: 'later', reason: 'overload', afterMs: TOO_OFTEN_MS, provider: true },
  10031: { kind: 'refused', reason: 'blocked' },
  10034: { kind: 'refused', reason: 'quota' },
  21301: credentialsRefused(),
  22007: { kind: 'refused', reason: 'parameters' },
  22022: { kind: 'refused', reason: 'package' },
  27001: { kind: 'refused', reason: 'channel' },
  65009: { kind: 'refused', reason: 'tooLarge' },
};

/** Xiaomi Push by regid. It does not say which of the devices are gone: their tokens end with their expiry. */
export function miProvider(settings: NonNullable<PushProviders['mi']>, send: HttpSend): PushProvider {
  const url = `${settings.url ?? HOST}/v3/message/regid`;
  return {
    name: 'mi',
    maxDevices: MAX_TOKENS,
    async push(notification, devices, signal) {
      const answer = await send(url, {
        headers: {
          authorization: `key=${settings.appSecret}`,
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: formOf(
          notification,
          settings,
          devices.map(({ token }) => token),
        ).toString(),
        signal,
      });
      if (answer.status !== 200) return allOf(devices, outcomeByStatus(answer));
      const { code, data } = jsonOf(answer) as { code?: unknown; data?: { id?: unknown } };
      if (code === 0)
        return allOf(devices, { kind: 'taken', ...(typeof data?.id === 'string' && { id: data.id }) });
      return allOf(devices, BY_CODE[Number(code)] ?? { kind: 'refused', reason: 'rejected' });
    },
    close() {},
  };
}

function formOf(
  { title, body, data, ttlSeconds, collapseID }: Notification,
  { packageName, channelID }: NonNullable<PushProviders['mi']>,
  tokens: readonly string[],
): URLSearchParams {
  const full = JSON.stringify(data);
  const { ex: _, ...rest } = data;
  const form = new URLSearchParams({
    registration_id: tokens.join(','),
    restricted_package_name: packageName,
    title: cutCharacters(title, MAX_TITLE),
    description: cutCharacters(body, MAX_DESCRIPTION),
    payload: bytesOf(full) <= MAX_PAYLOAD_BYTES ? full : JSON.stringify(rest),
    pass_through: '0',
    notify_type: '-1',
    notify_id: String(notifyID(collapseID)),
    time_to_live: String(ttlSeconds * 1_000),
    'extra.notify_effect': '1',
  });
  if (channelID !== '') form.set('extra.channel_id', channelID);
  return form;
}
