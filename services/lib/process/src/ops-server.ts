import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type ClusterKey, close, listen, type Metrics, readUpTo, sameSecret } from '@im/kit';
import { withFormerNames } from './former-metric-names.ts';
import type { Logger } from './log.ts';
import { combineReadiness, type NamedService, notReady, type Readiness } from './service.ts';

/** Answers a request on the ops port. Thrown errors become status 500. */
export type OpsHandler = (request: OpsRequest) => Promise<OpsResponse> | OpsResponse;

export interface OpsRequest {
  readonly url: URL;
  /** The body as text. */
  readonly body: string;
}

export interface OpsResponse {
  readonly status?: number;
  /** Sent as JSON unless it is a string. */
  readonly body: unknown;
}

/** Options of a route of the ops port. */
export interface OpsRouteOptions {
  /** Longest body; a longer one is refused (413). @default 65_536 */
  readonly maxBodyBytes?: number;
}

/** Where parts add routes to the ops port. It is reached by operators only, never by clients. */
export interface OpsRoutes {
  /** @throws when the method and path are taken. */
  handle(method: 'GET' | 'POST', path: string, handler: OpsHandler, options?: OpsRouteOptions): void;
}

/** Options of {@link createOpsServer}. */
export interface OpsServerOptions {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Whether `/metrics` also shows renamed metrics under their former names. @default true */
  readonly formerMetricNames?: boolean;
  /** Bearer token that POSTs must carry, as it is now. @default none */
  readonly clusterKey?: () => ClusterKey;
}

/** The HTTP server of probes, metrics and operator actions, one per process. */
export interface OpsServer {
  readonly routes: OpsRoutes;
  /**
   * Names the parts that `/readyz` asks. Until then, and after {@link OpsServer.setStopping}, it answers 503.
   * @param combine their answers as one. @default {@link combineReadiness}
   */
  setParts(parts: readonly NamedService[], combine?: () => Readiness): void;
  /** From now on `/readyz` answers 503. @param reason what it says. @default `stopping` */
  setStopping(reason?: string): void;
  readiness(): Readiness;
  /** For how long `/readyz` has answered 503, in ms; 0 when its last answer was 200. */
  notReadyForMs(): number;
  /** @returns the port that it listens on. */
  start(): Promise<number>;
  stop(): Promise<void>;
}

const MAX_BODY_BYTES = 65_536;

/**
 * `/healthz` 200 while the event loop turns; `/readyz` 200 or 503 with the reason of every part that
 * is not ready; `/metrics` in the Prometheus text format.
 */
export function createOpsServer(options: OpsServerOptions): OpsServer {
  const {
    log,
    metrics,
    formerMetricNames = true,
    clusterKey = () => ({ key: '', acceptMissingKey: false }),
  } = options;
  const refused = metrics.counter(
    'openim_ops_refused_total',
    'POSTs to the ops port without the key of the cluster',
  );
  const routes = new Map<string, { readonly handler: OpsHandler; readonly maxBodyBytes: number }>();
  let ofParts: (() => Readiness) | undefined;
  let stopping: string | undefined;
  let notReadySince: number | undefined;

  function readiness(): Readiness {
    if (stopping !== undefined) return notReady(stopping);
    return ofParts?.() ?? notReady('starting');
  }

  function add(
    method: string,
    path: string,
    handler: OpsHandler,
    { maxBodyBytes = MAX_BODY_BYTES }: OpsRouteOptions = {},
  ): void {
    const key = `${method} ${path}`;
    if (routes.has(key)) throw new Error(`ops route ${key} exists already`);
    routes.set(key, { handler, maxBodyBytes });
  }

  add('GET', '/healthz', () => ({ body: { ok: true } }));
  add('GET', '/readyz', () => {
    const now = readiness();
    notReadySince = now.ready ? undefined : (notReadySince ?? performance.now());
    return { status: now.ready ? 200 : 503, body: now };
  });

  function mayAct({ headers: { authorization } }: IncomingMessage): boolean {
    const { key, acceptMissingKey } = clusterKey();
    if (key === '' || acceptMissingKey) return true;
    return sameSecret(authorization ?? '', `Bearer ${key}`);
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://ops');
    const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
    if (method === 'GET' && url.pathname === '/metrics') {
      response.setHeader('content-type', metrics.contentType);
      const text = await metrics.text();
      response.end(formerMetricNames ? withFormerNames(text) : text);
      return;
    }
    const route = routes.get(`${method} ${url.pathname}`);
    if (!route) {
      send(response, { status: 404, body: { error: `no ${method} ${url.pathname} here` } });
      return;
    }
    if (method === 'POST' && !mayAct(request)) {
      refused.inc();
      const error = 'the action needs rpc.key of this process: authorization: Bearer <key>';
      send(response, { status: 401, body: { error } });
      return;
    }
    const body = await readBody(request, route.maxBodyBytes);
    if (body === undefined) {
      send(response, { status: 413, body: { error: `the body is larger than ${route.maxBodyBytes} bytes` } });
      return;
    }
    send(response, await route.handler({ url, body }));
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      log.error({ err: error, path: request.url }, 'ops request failed');
      if (!response.headersSent) send(response, { status: 500, body: { error: String(error) } });
      else response.destroy();
    });
  });
  server.keepAliveTimeout = 5_000;

  return {
    routes: { handle: add },
    setParts(parts, combine = () => combineReadiness(parts)) {
      ofParts = combine;
    },
    setStopping(reason = 'stopping') {
      stopping = reason;
    },
    readiness,
    notReadyForMs: () => (notReadySince === undefined ? 0 : performance.now() - notReadySince),
    start: () => listen(server, options.host, options.port),
    stop: () => close(server),
  };
}

function send(response: ServerResponse, { status = 200, body }: OpsResponse): void {
  const text = typeof body === 'string';
  response.statusCode = status;
  response.setHeader('content-type', text ? 'text/plain; charset=utf-8' : 'application/json');
  response.end(text ? body : `${JSON.stringify(body)}\n`);
}

/** @returns undefined when it is too long. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  if (Number(request.headers['content-length']) > maxBytes) return undefined;
  return (await readUpTo(request, maxBytes))?.toString('utf8');
}
