import type { IncomingMessage } from 'node:http';
import { Backoff, type Metrics, sleep } from '@im/kit';
import type { Connection, Target } from './connection.ts';
import { ApiError, ConnectionError, isApiError, isSchemaMismatch } from './errors.ts';
import { apiError, type Call, readText, send } from './exchange.ts';
import type { RequestOptions } from './kube-client.ts';

/** A request as a method of the client asks for it. */
export interface ApiCall extends RequestOptions {
  readonly method: Call['method'];
  readonly path: string;
  readonly body?: object | undefined;
  readonly contentType?: string | undefined;
  readonly accept?: string | undefined;
  /** What it does, for metrics: `get`, `list`, `apply`, … */
  readonly verb: string;
  /** Whether doing it twice is as good as doing it once. */
  readonly idempotent: boolean;
}

/** An open stream of an answer. */
export interface OpenAnswer {
  readonly response: IncomingMessage;
  readonly target: Target;
  readonly call: Call;
}

/** Sends calls with deadlines, repetitions and metrics. */
export interface Caller {
  /** @returns the body. @throws {ApiError} {ConnectionError} or the signal's reason, after as many attempts as make sense. */
  request(call: ApiCall): Promise<string>;
  /** One attempt, of which only the head is awaited. */
  open(call: ApiCall): Promise<OpenAnswer>;
}

const DEADLINE_MS = 30_000;
/** One attempt may not use up the whole deadline: a request to a server that went silent is retried elsewhere. */
const ATTEMPT_MS = 10_000;
const RETRIED_STATUS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

export function createCaller(connection: Connection, metrics: Metrics, userAgent: string): Caller {
  const requests = metrics.counter('openim_operator_api_requests_total', 'Requests to the API server', [
    'verb',
    'code',
  ]);
  const seconds = metrics.histogram(
    'openim_operator_api_request_seconds',
    'Time to the answer of the API server',
    ['verb'],
  );

  function toCall(call: ApiCall): Call {
    const { method, path, contentType, accept, signal } = call;
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    return { method, path, contentType, accept, signal, body, userAgent };
  }

  async function exchange(
    call: Call,
    timeoutMs: number,
    fresh: boolean,
    beforeAttempt: (() => void) | undefined,
  ): Promise<string> {
    const end = performance.now() + timeoutMs;
    const target = await connection.target(fresh);
    beforeAttempt?.();
    const response = await send(target, call, timeoutMs);
    const text = await readText(response, target, call, Math.max(1, end - performance.now()));
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return text;
    throw apiError(call, status, text, response.headers['retry-after']);
  }

  async function measured<T>(verb: string, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      const result = await work();
      requests.inc({ verb, code: '200' });
      return result;
    } catch (error) {
      requests.inc({ verb, code: codeOf(error) });
      throw error;
    } finally {
      seconds.observe({ verb }, (performance.now() - startedAt) / 1_000);
    }
  }

  return {
    async request(call) {
      const sent = toCall(call);
      const end = performance.now() + (call.deadlineMs ?? DEADLINE_MS);
      const backoff = new Backoff({ baseMs: 100, maxMs: 5_000 });
      let refused = false;
      for (;;) {
        const timeoutMs = Math.min(ATTEMPT_MS, Math.max(1, end - performance.now()));
        try {
          const fresh = refused;
          return await measured(call.verb, () => exchange(sent, timeoutMs, fresh, call.beforeAttempt));
        } catch (error) {
          call.signal?.throwIfAborted();
          // A token may have been rotated since it was read.
          const again: boolean = !refused && isApiError(error, 401);
          refused ||= again;
          if (!again && !isRetryable(error, call.idempotent)) throw error;
          const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
          const wait = asked + backoff.next();
          if (performance.now() + wait >= end) throw error;
          await sleep(wait, call.signal);
        }
      }
    },
    open(call) {
      return measured(call.verb, async () => {
        const sent = toCall(call);
        const timeoutMs = call.deadlineMs ?? DEADLINE_MS;
        const target = await connection.target(false);
        const response = await send(target, sent, timeoutMs);
        const status = response.statusCode ?? 0;
        if (status === 200) return { response, target, call: sent };
        if (status === 401) await connection.target(true);
        const text = await readText(response, target, sent, timeoutMs);
        throw apiError(sent, status, text, response.headers['retry-after']);
      });
    },
  };
}

function isRetryable(error: unknown, idempotent: boolean): boolean {
  if (error instanceof ConnectionError) return idempotent || error.unsent;
  if (!(error instanceof ApiError) || isSchemaMismatch(error)) return false;
  return error.status === 429 || (idempotent && RETRIED_STATUS.has(error.status));
}

function codeOf(error: unknown): string {
  if (error instanceof ApiError) return String(error.status);
  return error instanceof ConnectionError ? 'none' : 'aborted';
}
