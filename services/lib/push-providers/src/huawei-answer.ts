import { credentialsRefused, type HttpAnswer, jsonOf, outcomeByStatus } from './http.ts';
import { allOf, type Device, type Outcome } from './push-provider.ts';

const SUCCESS = '80000000';
const PARTIAL = '80100000';
const FAILING_MS = 30_000;

/** Codes of Huawei that mean the same for all devices of a call. */
const BY_CODE: Readonly<Record<string, Outcome>> = {
  80100001: { kind: 'refused', reason: 'parameters' },
  80100003: { kind: 'refused', reason: 'parameters' },
  80100016: { kind: 'refused', reason: 'sensitive' },
  80200001: credentialsRefused(),
  80200003: credentialsRefused(),
  80200005: credentialsRefused(),
  80300002: { kind: 'refused', reason: 'permission' },
  80300007: { kind: 'gone', reason: 'invalidToken' },
  80300008: { kind: 'refused', reason: 'tooLarge' },
  80300010: { kind: 'refused', reason: 'tooManyTokens' },
  81000001: { kind: 'later', reason: 'unavailable', afterMs: FAILING_MS, provider: true },
};

/** What Huawei says of each device; its codes come with HTTP 200 as well as with others. */
export function outcomesOf(answer: HttpAnswer, devices: readonly Device[]): readonly Outcome[] {
  const { code, msg, requestId } = jsonOf(answer);
  const id = typeof requestId === 'string' ? { id: requestId } : {};
  if (code === SUCCESS) return allOf(devices, { kind: 'taken', ...id });
  if (code === PARTIAL) {
    const illegal = illegalTokens(msg);
    return devices.map(
      ({ token }): Outcome =>
        illegal.has(token) ? { kind: 'gone', reason: 'invalidToken' } : { kind: 'taken', ...id },
    );
  }
  const outcome = typeof code === 'string' ? BY_CODE[code] : undefined;
  if (outcome) return allOf(devices, outcome);
  // 503 is flow control, and a code that is not known is final.
  return allOf(
    devices,
    answer.status === 200 ? { kind: 'refused', reason: 'rejected' } : outcomeByStatus(answer),
  );
}

/** HMS says `illegal_tokens`, HarmonyOS `illegalTokens`, both as JSON in a text. */
function illegalTokens(msg: unknown): ReadonlySet<string> {
  try {
    const { illegal_tokens, illegalTokens } = JSON.parse(String(msg)) as Record<string, unknown>;
    const list = illegal_tokens ?? illegalTokens;
    return new Set(Array.isArray(list) ? list.map(String) : []);
  } catch {
    return new Set();
  }
}
