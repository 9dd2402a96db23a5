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
  constructor(route: string, code: number, text: string) {
    super(`${route}: ${code} ${text}`);
    this.code = code;
  }
}

/** Who asks. */
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
  /** Posts JSON and returns `data`. @throws ApiError for an error code, Error when there was no such answer. */
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

/** A new operation id. */
export function operationID(): string {
  operations += 1;
  return `e2e-${process.pid}-${operations}`;
}

export function apiClient(base: string, maxSockets = 64): ApiClient {
  const root = new URL(base);
  const secure = root.protocol === 'https:';
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets });
  const prefix = root.pathname === '/' ? '' : root.pathname;

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
      let envelope: { errCode?: unknown; errMsg?: unknown; errDlt?: unknown; data?: unknown };
      try {
        envelope = JSON.parse(answer.body);
      } catch (cause) {
        throw new Error(`${route}: HTTP ${answer.status}, not JSON: ${answer.body.slice(0, 200)}`, { cause });
      }
      if (typeof envelope.errCode !== 'number') throw new Error(`${route}: no errCode in the answer`);
      if (envelope.errCode !== 0) {
        throw new ApiError(route, envelope.errCode, `${envelope.errMsg} ${envelope.errDlt}`.trim());
      }
      return envelope.data as T;
    },
    close: () => agent.destroy(),
  };
}
