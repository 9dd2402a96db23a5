import { ADMIN_BASE } from './admin-base.ts';
import { CONSOLE_HEADER } from './console-roles.ts';
import type { Failure } from './fields.ts';
import type { Answer, Given, Operation } from './operation.ts';

/** The server refused an operation. */
export class AdminApiError extends Error {
  override readonly name = 'AdminApiError';
  /** HTTP status. */
  readonly status: number;
  readonly failure: Failure;
  /** Seconds to wait before the next attempt; 0 when the server did not say. */
  readonly retryAfter: number;

  constructor(status: number, failure: Failure, retryAfter: number) {
    const { field, message, remedy } = failure;
    const at = field === undefined || message.includes(field) ? '' : `${field}: `;
    super(`${at}${message}${remedy === undefined ? '' : `; ${remedy}`}`);
    this.status = status;
    this.failure = failure;
    this.retryAfter = retryAfter;
  }
}

/** The answer is not one of this API. */
export class NotAdminApiError extends Error {
  override readonly name = 'NotAdminApiError';
}

/** Settings of {@link adminClient}. */
export interface AdminClientOptions {
  /** Base URL of the HTTP API, with `/t/<tenant>` for another tenant than default. */
  readonly apiUrl: string;
  /** Token of an administrator. @default the session of the console, in a page of its origin */
  readonly token?: string;
  /** Makes the id of a request, which the server logs. @default a random one by the server */
  readonly requestID?: () => string;
  /** Longest wait for an answer; of a stream, for its first byte. @default 15,000 */
  readonly timeoutMs?: number;
}

/** Calls operations. All methods throw AdminApiError when refused, NotAdminApiError or TypeError without an answer. */
export interface AdminClient {
  call<O extends Operation>(operation: O, given: Given<O>): Promise<Answer<O>>;
  /** The pages of a list, from `query.cursor` on. */
  pages<O extends Operation>(operation: O, given: Given<O>): AsyncGenerator<Answer<O>, void>;
  /** The lines of a stream, until it ends or the signal aborts, which throws its reason. */
  stream<O extends Operation>(
    operation: O,
    given: Given<O>,
    options?: { readonly signal?: AbortSignal },
  ): AsyncGenerator<Answer<O>, void>;
}

/** An operation's parts without their types. */
interface Parts {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

function urlOf(apiUrl: string, { path }: Operation, { params = {}, query = {} }: Parts): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  return `${apiUrl.replace(/\/$/, '')}${ADMIN_BASE}${filled}${search.size === 0 ? '' : `?${search}`}`;
}

async function failureOf(response: Response): Promise<Error> {
  const text = await response.text();
  try {
    const { error }: { error: Failure } = JSON.parse(text);
    if (typeof error.code === 'number')
      return new AdminApiError(response.status, error, Number(response.headers.get('retry-after') ?? 0));
  } catch {
    // Said below.
  }
  return new NotAdminApiError(`HTTP ${response.status}: ${text.slice(0, 200)}`);
}

/** A client of one tenant; it also runs in browsers. */
export function adminClient({
  apiUrl,
  token,
  requestID,
  timeoutMs = 15_000,
}: AdminClientOptions): AdminClient {
  async function send(operation: Operation, parts: Parts, signal?: AbortSignal): Promise<Response> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(new DOMException('no answer', 'TimeoutError')), timeoutMs);
    try {
      const response = await fetch(urlOf(apiUrl, operation, parts), {
        method: operation.method,
        signal: signal ? AbortSignal.any([timeout.signal, signal]) : timeout.signal,
        headers: {
          ...(token === undefined ? { [CONSOLE_HEADER]: '1' } : { token }),
          ...(requestID && { operationID: requestID() }),
          ...(parts.body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(parts.body !== undefined && { body: JSON.stringify(parts.body) }),
      });
      if (!response.ok) throw await failureOf(response);
      return response;
    } finally {
      clearTimeout(timer);
    }
  }

  async function call<O extends Operation>(operation: O, given: Given<O>): Promise<Answer<O>> {
    const response = await send(operation, given as Parts);
    const text = await response.text();
    try {
      return JSON.parse(text);
    } catch {
      throw new NotAdminApiError(`HTTP ${response.status}: ${text.slice(0, 200)}`);
    }
  }

  return {
    call,
    async *pages(operation, given) {
      let next: Parts = given as Parts;
      for (;;) {
        const answer = await call(operation, next as typeof given);
        yield answer;
        const { nextCursor: cursor } = answer as { nextCursor?: string };
        if (cursor === undefined) return;
        next = { ...next, query: { ...next.query, cursor } };
      }
    },
    async *stream(operation, given, { signal } = {}) {
      const { body } = await send(operation, given as Parts, signal);
      let rest = '';
      for await (const chunk of (body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') yield JSON.parse(line);
      }
      if (rest !== '') yield JSON.parse(rest);
    },
  };
}
