import { createHash } from 'node:crypto';
import type { PushProviders } from '@im/contract';
import { AccessToken, noToken } from './access-token.ts';
import { credentialsRefused, type HttpAnswer, type HttpSend, jsonOf, outcomeByStatus } from './http.ts';
import type { Device, Notification, Outcome, PushProvider } from './push-provider.ts';
import { cutBytes, cutCharacters } from './text.ts';

const HOST = 'https://restapi.getui.com/v2';
/** Longest lifetime of a notification: three days. */
const MAX_TTL_MS = 3 * 24 * 3_600_000;
const MAX_TITLE = 50;
const MAX_BODY = 256;
const MAX_PAYLOAD_BYTES = 3_072;
const TOKEN_INVALID = 10_001;
const TARGET_INVALID = 20_001;

/**
 * Getui, version 2 of its API, by alias. One request per user with a request id that is the same in every attempt:
 * Getui drops a repeated one.
 */
export function getuiProvider(settings: NonNullable<PushProviders['getui']>, send: HttpSend): PushProvider {
  const { appID, appKey, masterSecret } = settings;
  const base = settings.url ?? `${HOST}/${encodeURIComponent(appID)}`;

  const post = (
    path: string,
    body: object,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ) =>
    send(`${base}${path}`, {
      headers: { 'content-type': 'application/json;charset=utf-8', ...headers },
      body: JSON.stringify(body),
      signal,
    });

  const access = new AccessToken(async (signal) => {
    const timestamp = String(Date.now());
    const sign = createHash('sha256').update(`${appKey}${timestamp}${masterSecret}`).digest('hex');
    const answer = await post('/auth', { sign, timestamp, appkey: appKey }, signal);
    const { code, data } = jsonOf(answer) as {
      code?: unknown;
      data?: { token?: unknown; expire_time?: unknown };
    };
    if (code === 0 && typeof data?.token === 'string')
      return { token: data.token, lifetimeMs: Number(data.expire_time) - Date.now() };
    throw noToken(answer);
  });

  async function sendOnce(body: object, signal: AbortSignal): Promise<{ answer: HttpAnswer; code: unknown }> {
    const token = await access.get();
    const answer = await post('/push/single/alias', body, signal, { token });
    const { code } = jsonOf(answer);
    if (code === TOKEN_INVALID) access.drop(token);
    return { answer, code };
  }

  return {
    name: 'getui',
    maxDevices: 1,
    async push(notification, [device], signal) {
      if (!device) return [];
      const body = bodyOf(notification, device, settings);
      let { answer, code } = await sendOnce(body, signal);
      if (code === TOKEN_INVALID) ({ answer, code } = await sendOnce(body, signal));
      return [outcomeOf(answer, code)];
    },
    close() {},
  };
}

function outcomeOf(answer: HttpAnswer, code: unknown): Outcome {
  switch (code) {
    case 0: {
      const [id] = Object.keys((jsonOf(answer).data as object | undefined) ?? {});
      return { kind: 'taken', ...(id !== undefined && { id }) };
    }
    case TOKEN_INVALID:
      return credentialsRefused();
    case TARGET_INVALID:
      return { kind: 'refused', reason: 'unbound' };
    default:
      return answer.status === 200 ? { kind: 'refused', reason: 'rejected' } : outcomeByStatus(answer);
  }
}

function bodyOf(
  { title, body, data, sound, ttlSeconds, id, collapseID }: Notification,
  { token: alias, badge }: Device,
  { intent, channelID, channelName }: NonNullable<PushProviders['getui']>,
): object {
  const shown = { title: cutCharacters(title, MAX_TITLE), body: cutCharacters(body, MAX_BODY) };
  const payload = JSON.stringify(data);
  const { ex: _, ...rest } = data;
  const click = intent === '' ? { click_type: 'startapp' } : { click_type: 'intent', intent };
  const channel = {
    ...(channelID !== '' && { channel_id: channelID }),
    ...(channelName !== '' && { channel_name: channelName }),
  };
  return {
    request_id: createHash('sha256').update(`${id}\n${alias}`).digest('hex').slice(0, 32),
    audience: { alias: [alias] },
    settings: { ttl: Math.min(MAX_TTL_MS, ttlSeconds * 1_000) },
    push_message: { notification: { ...shown, ...click, ...channel } },
    push_channel: {
      ios: {
        type: 'notify',
        payload: Buffer.byteLength(payload) <= MAX_PAYLOAD_BYTES ? payload : cutData(rest),
        apns_collapse_id: collapseID,
        // Getui wants the badge as text.
        ...(badge !== undefined && { auto_badge: String(badge) }),
        aps: { alert: shown, 'content-available': 0, ...(sound !== '' && { sound }) },
      },
      android: { ups: { notification: { ...shown, ...click } } },
    },
  };
}

function cutData(data: Readonly<Record<string, string>>): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(data).map(([key, value]) => [key, cutBytes(value, 256)])),
  );
}
