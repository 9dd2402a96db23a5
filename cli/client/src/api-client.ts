import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** Where a tenant of a server is reached; both without a trailing slash. */
export interface Endpoint {
  /** Base URL of the HTTP API, for example `http://127.0.0.1:10002` or `http://127.0.0.1:10002/t/t2`. */
  readonly api: string;
  /** Base URL of the gateway, for example `ws://127.0.0.1:10001`. */
  readonly ws: string;
}

/** The server answered with an error code. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: number;
  /** `errDlt` of the answer, which may be empty. */
  readonly detail: string;
  constructor(route: string, code: number, text: string, detail: string) {
    super(`${route}: ${code} ${text}${detail === '' ? '' : `: ${detail}`}`);
    this.code = code;
    this.detail = detail;
  }
}

/** The answer is not one of an OpenIM API: no JSON, or JSON without `errCode`. */
export class NotAnApiError extends Error {
  override readonly name = 'NotAnApiError';
  readonly body: string;
  constructor(route: string, status: number, body: string) {
    super(`${route}: HTTP ${status}, not an answer of an OpenIM API: ${body.slice(0, 200)}`);
    this.body = body;
  }
}

/** Credentials and limits of one call. */
export interface CallAs {
  readonly token?: string;
  readonly operationID?: string;
  readonly timeoutMs?: number;
}

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** A client of the HTTP API that keeps its connections. */
export interface ApiClient {
  readonly base: string;
  /** Posts JSON and returns `data`. @throws ApiError, NotAnApiError, Error when there was no answer. */
  call<T = unknown>(route: string, body: unknown, as?: CallAs): Promise<T>;
  /** Posts bytes with any headers and returns the answer as it came. */
  raw(
    route: string,
    body: string | Uint8Array,
    headers: Record<string, string>,
    timeoutMs?: number,
  ): Promise<RawAnswer>;
  close(): void;
}

const TIMEOUT_MS = 30_000;
let operations = 0;

/** An operation id, unique within this process. */
export function operationID(): string {
  operations += 1;
  return `client-${process.pid}-${operations}`;
}

interface Envelope {
  readonly errCode: number;
  readonly errMsg?: string;
  readonly errDlt?: string;
  readonly data?: unknown;
}

function parseEnvelope(body: string): Envelope | undefined {
  try {
    const value: Envelope | null = JSON.parse(body);
    return typeof value?.errCode === 'number' ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param base address of the API, with `/t/<tenant>` for another tenant than default.
 * @param maxSockets connections that are open at once.
 */
export function apiClient(base: string, maxSockets = 64): ApiClient {
  const root = new URL(base);
  const secure = root.protocol === 'https:';
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets });
  const prefix = root.pathname.replace(/\/$/, '');

  async function raw(
    route: string,
    body: string | Uint8Array,
    headers: Record<string, string>,
    timeoutMs = TIMEOUT_MS,
  ): Promise<RawAnswer> {
    const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
    const request = (secure ? httpsRequest : httpRequest)(
      {
        agent,
        host: root.hostname,
        port: root.port,
        method: 'POST',
        path: prefix + route,
        headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        timeout: timeoutMs,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
        });
      },
    );
    request.on('timeout', () => request.destroy(new Error(`${route}: no answer within ${timeoutMs} ms`)));
    request.on('error', reject);
    request.end(body);
    return await promise;
  }

  return {
    base,
    raw,
    async call<T>(route: string, body: unknown, as: CallAs = {}): Promise<T> {
      const headers: Record<string, string> = {
        'content-type': 'application/json',
        operationID: as.operationID ?? operationID(),
      };
      if (as.token !== undefined) headers.token = as.token;
      const answer = await raw(route, JSON.stringify(body), headers, as.timeoutMs);
      const envelope = parseEnvelope(answer.body);
      if (!envelope) throw new NotAnApiError(route, answer.status, answer.body);
      if (envelope.errCode !== 0) {
        throw new ApiError(route, envelope.errCode, envelope.errMsg ?? '', envelope.errDlt ?? '');
      }
      return envelope.data as T;
    },
    close: () => agent.destroy(),
  };
}
