import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Target } from './connection.ts';
import { ApiError, ConnectionError, type ErrorDetails } from './errors.ts';

/** One HTTP request. */
export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, without a leading slash. */
  readonly path: string;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  /** @default JSON */
  readonly accept?: string | undefined;
  readonly userAgent: string;
  readonly signal?: AbortSignal | undefined;
}

/** Failures before a connection was established: the server cannot have acted. */
const UNSENT: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/**
 * Sends a request and resolves with the head of the answer, regardless of its status, once it has arrived.
 * Afterwards the body can still fail: the stream is destroyed with an error when `signal` aborts.
 * @throws {ConnectionError} when there was no answer within `timeoutMs`; the signal's reason.
 */
export async function send(target: Target, call: Call, timeoutMs: number): Promise<IncomingMessage> {
  call.signal?.throwIfAborted();
  const url = new URL(call.path, target.base);
  const headers: Record<string, string> = {
    ...target.headers,
    accept: call.accept ?? 'application/json',
    'user-agent': call.userAgent,
  };
  if (call.body !== undefined) {
    headers['content-type'] = call.contentType ?? 'application/json';
    headers['content-length'] = String(Buffer.byteLength(call.body));
  }
  const request = (url.protocol === 'http:' ? httpRequest : httpsRequest)(url, {
    method: call.method,
    headers,
    agent: target.agent,
  });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  let answer: IncomingMessage | undefined;
  const onAbort = () => (answer ?? request).destroy(asError(call.signal?.reason));
  call.signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(
    () => request.destroy(new Error(`no answer within ${seconds(timeoutMs)} s`)),
    timeoutMs,
  );
  request.on('response', (response) => {
    answer = response;
    resolve(response);
  });
  request.on('error', reject);
  request.on('close', () => {
    call.signal?.removeEventListener('abort', onAbort);
    reject(new Error('the connection was closed'));
  });
  request.end(call.body);
  try {
    return await promise;
  } catch (error) {
    call.signal?.throwIfAborted();
    throw connectionError(call, target, error);
  } finally {
    clearTimeout(timer);
  }
}

/** Whole seconds: the same failure has the same text, whatever is left of a deadline. */
function seconds(ms: number): number {
  return Math.max(1, Math.round(ms / 1_000));
}

/** The whole body as text. @throws {ConnectionError} when it does not end within `timeoutMs`; the signal's reason. */
export async function readText(
  response: IncomingMessage,
  target: Target,
  call: Call,
  timeoutMs: number,
): Promise<string> {
  const timer = setTimeout(
    () => response.destroy(new Error(`the answer did not end within ${seconds(timeoutMs)} s`)),
    timeoutMs,
  );
  try {
    response.setEncoding('utf8');
    let text = '';
    for await (const chunk of response) text += chunk;
    return text;
  } catch (error) {
    call.signal?.throwIfAborted();
    throw connectionError(call, target, error);
  } finally {
    clearTimeout(timer);
  }
}

/** Wraps the cause of a failed exchange in a {@link ConnectionError} with the address. */
export function connectionError(call: Call, target: Target, error: unknown): ConnectionError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const why = error instanceof Error && error.message !== '' ? error.message : code;
  const path = call.path.split('?', 1)[0];
  return new ConnectionError(`${call.method} ${target.base.origin}/${path}: ${why}`, {
    unsent: UNSENT.has(code),
    cause: error,
  });
}

/** The error for an answer with this status and body. */
export function apiError(call: Call, status: number, body: string, retryAfter?: string): ApiError {
  const reported = parseStatus(body);
  const fallback =
    `${call.method} ${call.path.split('?', 1)[0]}: status ${status} ${body.slice(0, 200)}`.trim();
  return new ApiError({
    status,
    reason: reported?.reason ?? '',
    message: reported?.message || fallback,
    details: reported?.details,
    retryAfterMs: milliseconds(retryAfter ?? reported?.details?.retryAfterSeconds),
  });
}

interface StatusBody {
  readonly kind?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: ErrorDetails;
}

function parseStatus(body: string): StatusBody | undefined {
  try {
    const value: StatusBody | null = JSON.parse(body);
    return value?.kind === 'Status' ? value : undefined;
  } catch {
    return undefined;
  }
}

function milliseconds(seconds: string | number | undefined): number | undefined {
  const value = seconds === undefined ? Number.NaN : Number(seconds);
  return value > 0 ? value * 1_000 : undefined;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
