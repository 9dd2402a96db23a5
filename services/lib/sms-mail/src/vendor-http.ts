import { messageOf } from '@im/kit';
import { guardedClient, RequestError } from '@im/webhooks';
import { type Outcome, refused, unknown } from './outcome.ts';

/** Sends one request to a vendor. */
export interface VendorHttp {
  /** @returns the answer, or what became of a request without one. */
  post(url: URL, request: VendorRequest, signal: AbortSignal): Promise<VendorAnswer | Outcome>;
  close(): void;
}

export interface VendorRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface VendorAnswer {
  readonly kind: 'answer';
  readonly status: number;
  /** Empty when it is no JSON object. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** Time for an answer: a caller waits for it, and for a second provider perhaps. */
export const ANSWER_MS = 5_000;
const MAX_ANSWER_BYTES = 65_536;
const CONNECTIONS = 8;

/** Errors of a connection that was never made: nothing was sent. */
const NOT_CONNECTED = new Set([
  ...['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EAI_AGAIN', 'ENOTFOUND', 'ENODATA'],
  ...['ESERVFAIL', 'ETIMEOUT'],
]);
const TLS_FAULT = /CERT|SSL|TLS|EPROTO|SELF_SIGNED|UNABLE_TO/;

/** A client of vendors. @param allowedNetworks internal networks in which they may be. */
export function vendorHttp(allowedNetworks: readonly string[]): VendorHttp {
  const client = guardedClient(allowedNetworks, CONNECTIONS);
  return {
    async post(url, { headers, body }, signal) {
      try {
        const answer = await client.post(url, {
          ...{ headers, body, timeoutMs: ANSWER_MS, maxBytes: MAX_ANSWER_BYTES, whenLarger: 'cut', signal },
        });
        return { kind: 'answer', status: answer.status, json: objectOf(answer.body) };
      } catch (error) {
        return outcomeOf(error);
      }
    },
    close: () => client.close(),
  };
}

function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof RequestError)) return unknown(messageOf(error));
  if (error.failure === 'address') return refused('network', error.message);
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (error.failure === 'unreachable' && NOT_CONNECTED.has(code))
    return refused('unavailable', error.message);
  if (error.failure === 'unreachable' && TLS_FAULT.test(code)) return refused('tls', error.message);
  return unknown(error.message);
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** A text of an answer; empty when it is none. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/**
 * The outcome of an answer without a code of the vendor, by its status: what a proxy or a failing server answers may
 * come after the message was sent.
 */
export function outcomeOfStatus(status: number): Outcome {
  if (status === 429) return refused('overload', `status ${status}`);
  if (status === 401 || status === 403) return refused('credentials', `status ${status}`);
  if (status >= 400 && status < 500) return refused('rejected', `status ${status}`);
  return unknown(`status ${status}`);
}
