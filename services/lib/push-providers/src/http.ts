import type { IncomingHttpHeaders } from 'node:http';
import { guardedClient, retryAfter } from '@im/webhooks';
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

/** Sends to vendors, over connections that are kept. */
export interface VendorHttp {
  readonly send: HttpSend;
  close(): void;
}

const MAX_ANSWER_BYTES = 256 * 1_024;
/** For one request; callers have a shorter limit. */
const TIMEOUT_MS = 30_000;
/** More than the requests that a provider has under way. */
const CONNECTIONS = 32;

/**
 * A client that reaches public addresses alone. A vendor's URL is a setting of the tenant, and so may be the endpoint of
 * a device: neither may make the server call what is inside of its network. Redirects are answers like any other.
 * @param allowedNetworks internal networks in which vendors, such as a proxy in front of them, may be.
 */
export function vendorHttp(allowedNetworks: readonly string[]): VendorHttp {
  // As Node's own clients do.
  const proxyEnv = process.env.NODE_USE_ENV_PROXY === '1' ? process.env : undefined;
  const client = guardedClient(allowedNetworks, CONNECTIONS, proxyEnv);
  return {
    async send(url, { method = 'POST', headers = {}, body, signal }) {
      const answer = await client.request(new URL(url), {
        ...{ method, headers, body, signal },
        ...{ timeoutMs: TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, whenLarger: 'cut' },
      });
      return { status: answer.status, headers: headersOf(answer.headers), text: answer.body };
    },
    close: () => client.close(),
  };
}

function headersOf(headers: IncomingHttpHeaders): Headers {
  return new Headers(
    Object.entries(headers).flatMap(([name, value]) =>
      [value ?? []].flat().map((one): [string, string] => [name, one]),
    ),
  );
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

/** Wait that an answer's `Retry-After` asks for; undefined without one. */
export function retryAfterMs(headers: Pick<Headers, 'get'>): number | undefined {
  return retryAfter(headers.get('retry-after'));
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
