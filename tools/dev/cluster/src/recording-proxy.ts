import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** One HTTP call of a client, as it went over the wire. */
export interface RecordedCall {
  readonly route: string;
  /** The parsed body, or undefined when it is not JSON. */
  readonly request: unknown;
  readonly response: unknown;
}

/** A proxy between a client and the HTTP API that records their requests and responses. */
export interface RecordingProxy extends AsyncDisposable {
  /** Base URL for the client. */
  readonly url: string;
  readonly calls: readonly RecordedCall[];
  clear(): void;
  close(): Promise<void>;
}

/** @param api base URL of the API, with a tenant's path if any. */
export async function startRecordingProxy(api: string): Promise<RecordingProxy> {
  const target = new URL(api);
  const prefix = target.pathname === '/' ? '' : target.pathname;
  const calls: RecordedCall[] = [];

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await collect(request);
    const route = request.url ?? '/';
    const outgoing = httpRequest({
      host: target.hostname,
      port: target.port,
      method: request.method,
      path: prefix + route,
      headers: { ...request.headers, host: target.host },
    });
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
    outgoing.end(body);
    const answer = await promise;
    const answered = await collect(answer);
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    response.end(answered);
    if (request.method !== 'POST') return;
    const plain = answer.headers['content-encoding'] === 'gzip' ? gunzipSync(answered) : answered;
    calls.push({ route, request: asJson(body), response: asJson(plain) });
  }
  const server = createServer((request, response) => {
    forward(request, response).catch(() => {
      if (!response.headersSent) response.writeHead(502);
      response.end();
    });
  });
  // Clients reuse connections after pauses; one that closes just then fails their request.
  server.keepAliveTimeout = 60_000;
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(0, '127.0.0.1', listening.resolve);
  await listening.promise;

  async function close(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    server.close(() => closed.resolve());
    server.closeAllConnections();
    await closed.promise;
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    clear: () => {
      calls.length = 0;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function asJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
