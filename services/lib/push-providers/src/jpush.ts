import type { PushProviders } from '@im/contract';
import { credentialsRefused, type HttpAnswer, type HttpSend, jsonOf, outcomeByStatus } from './http.ts';
import { allOf, type Device, type Notification, type Outcome, type PushProvider } from './push-provider.ts';
import { fitBytes } from './text.ts';

const HOST = 'https://api.jpush.cn';
const MAX_ALIASES = 1_000;
/** Largest `notification`; https://docs.jiguang.cn/en/jpush/server/push/rest_api_v3_push */
const MAX_BYTES = 4_000;
/** Ids of sends that are requested together. */
const CIDS = 100;
const FAILING_MS = 30_000;

/** Codes of JPush. */
const BY_CODE: Readonly<Record<number, Outcome>> = {
  1000: { kind: 'later', reason: 'unavailable', afterMs: FAILING_MS, provider: true },
  1003: { kind: 'refused', reason: 'parameters' },
  1004: credentialsRefused(),
  1005: { kind: 'refused', reason: 'tooLarge' },
  1008: credentialsRefused(),
  // None of the users has bound an alias.
  1011: { kind: 'refused', reason: 'unbound' },
};

/** JPush, version 3 of its API, by alias. A send that breaks off is repeated once with its id, which JPush sends once. */
export function jpushProvider(settings: NonNullable<PushProviders['jpush']>, send: HttpSend): PushProvider {
  const base = settings.url ?? HOST;
  const authorization = `Basic ${Buffer.from(`${settings.appKey}:${settings.masterSecret}`).toString('base64')}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const cids: string[] = [];

  /** An id for one send; undefined when JPush gives none, which costs the safety of a repetition alone. */
  async function nextCid(signal: AbortSignal): Promise<string | undefined> {
    if (cids.length === 0) {
      const answer = await send(`${base}/v3/push/cid?count=${CIDS}`, { method: 'GET', headers, signal });
      const { cidlist } = jsonOf(answer);
      if (answer.status === 200 && Array.isArray(cidlist)) cids.push(...cidlist.slice(0, CIDS).map(String));
    }
    return cids.pop();
  }

  return {
    name: 'jpush',
    maxDevices: MAX_ALIASES,
    async push(notification, devices, signal) {
      const cid = await nextCid(signal);
      const body = bodyOf(notification, devices, settings, cid);
      const sendOnce = () => send(`${base}/v3/push`, { headers, body, signal });
      let answer: HttpAnswer;
      try {
        answer = await sendOnce();
      } catch (error) {
        if (cid === undefined || signal.aborted) throw error;
        answer = await sendOnce();
      }
      return allOf(devices, outcomeOf(answer));
    },
    close() {},
  };
}

function outcomeOf(answer: HttpAnswer): Outcome {
  const { msg_id, error } = jsonOf(answer) as { msg_id?: unknown; error?: { code?: unknown } };
  if (answer.status === 200) return { kind: 'taken', ...(msg_id !== undefined && { id: String(msg_id) }) };
  if (answer.status === 429) {
    const seconds = Number(answer.headers.get('x-rate-limit-reset'));
    return {
      kind: 'later',
      reason: 'overload',
      afterMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : FAILING_MS,
      provider: true,
    };
  }
  return BY_CODE[Number(error?.code)] ?? outcomeByStatus(answer);
}

function bodyOf(
  notification: Notification,
  devices: readonly Device[],
  { intent, apnsProduction }: NonNullable<PushProviders['jpush']>,
  cid: string | undefined,
): string {
  const { sound, ttlSeconds, collapseID } = notification;
  const [first] = devices;
  // For several users JPush counts by itself: one request has one number.
  const badge = devices.length === 1 ? first?.badge : first?.badge === undefined ? undefined : '+1';
  const shown = fitBytes(notification, MAX_BYTES, ({ title, body, data }) =>
    JSON.stringify({
      alert: body,
      android: { alert: body, title, extras: data, ...(intent !== '' && { intent: { url: intent } }) },
      ios: {
        alert: { title, body },
        extras: data,
        'thread-id': collapseID,
        ...(sound !== '' && { sound }),
        ...(badge !== undefined && { badge }),
      },
    }),
  );
  return JSON.stringify({
    ...(cid !== undefined && { cid }),
    platform: 'all',
    audience: { alias: devices.map(({ token }) => token) },
    notification: JSON.parse(shown) as unknown,
    options: { time_to_live: ttlSeconds, apns_production: apnsProduction, apns_collapse_id: collapseID },
  });
}
