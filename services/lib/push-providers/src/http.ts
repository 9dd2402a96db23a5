import type { Outcome } from './push-provider.ts';

/** Answer of a vendor. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** At most {@link MAX_ANSWER_BYTES}; what is longer is cut. */
  readonly text: string;
}

/** Sends one request. @throws when there is no answer. */
export type HttpSend = (
  url: string,
  request: {
    readonly method?: 'GET' | 'POST';
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string | Uint8Array<ArrayBuffer>;
    readonly signal: AbortSignal;
  },
) => Promise<HttpAnswer>;

const MAX_ANSWER_BYTES = 256 * 1_024;

/** Sends over the process's pool of connections. Redirects are answers like any other: no vendor has them. */
export const httpSend: HttpSend = async (url, { method = 'POST', headers = {}, body, signal }) => {
  const response = await fetch(url, { method, headers, body, signal, redirect: 'manual' });
  return { status: response.status, headers: response.headers, text: await beginningOf(response) };
};

async function beginningOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (response.body) {
    for await (const chunk of response.body) {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= MAX_ANSWER_BYTES) break;
    }
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString();
}

/** The answer as JSON object; empty when it is none, such as the HTML of a proxy. */
export function jsonOf({ text }: Pick<HttpAnswer, 'text'>): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Wait that `Retry-After` asks for, in seconds or as a date; undefined without one. */
export function retryAfterMs(headers: Pick<Headers, 'get'>, now = Date.now()): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (!value) return undefined;
  const ms = /^\d+$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/** Wait before a vendor without `Retry-After` is asked again. */
const OVERLOADED_MS = 30_000;
const FAILING_MS = 10_000;

/** The outcome of what a vendor answers by its status alone: overload and faults are temporary, all else is refused. */
export function outcomeByStatus({ status, headers }: Pick<HttpAnswer, 'status' | 'headers'>): Outcome {
  const asked = retryAfterMs(headers);
  if (status === 429 || status === 503)
    return {
      kind: 'later',
      reason: status === 429 ? 'overload' : 'unavailable',
      afterMs: asked ?? OVERLOADED_MS,
      provider: true,
    };
  if (status >= 500)
    return { kind: 'later', reason: 'unavailable', afterMs: asked ?? FAILING_MS, provider: true };
  if (status === 401 || status === 403) return credentialsRefused();
  return { kind: 'refused', reason: status === 413 ? 'tooLarge' : 'rejected' };
}

/** Wait after a refusal of the credentials: they may have been changed meanwhile. */
const CREDENTIALS_MS = 60_000;

/** The vendor does not accept the credentials: no device is reached until they are corrected. */
export function credentialsRefused(): Outcome {
  return { kind: 'later', reason: 'credentials', afterMs: CREDENTIALS_MS, provider: true };
}
