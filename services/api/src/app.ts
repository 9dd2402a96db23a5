import type { IncomingMessage } from 'node:http';
import type { ServerConfig } from '@im/contract';
import { messageOf, NO_TRACING, type ProcessDirectory, randomId, type Tracer, type Tracing } from '@im/kit';
import type { Logger } from '@im/process';
import { argsError, ERR, ImError, toImError } from '@im/protocol';
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';
import type { LogSize } from './admin/cluster-alarms.ts';
import { isAdminPath, serveAdmin } from './admin/serve-admin.ts';
import { createTails, type DeliveryWatch } from './admin/tails.ts';
import { createAdmission } from './admission.ts';
import { createAnswers, sendPlain } from './answers.ts';
import { Arrivals } from './arrivals.ts';
import { createClusterView } from './cluster-view.ts';
import { CONSOLE_DIR } from './console/assets.ts';
import { createClusterResources } from './console/kubernetes/cluster-resource.ts';
import { consoleLogins } from './console/logins.ts';
import { serveLogins } from './console/oidc/serve-logins.ts';
import { serveConsole } from './console/serve-console.ts';
import { createEntrance, type EntranceDeps } from './entrance.ts';
import { FIXED_ROUTES, redirectToObject } from './get-routes.ts';
import { httpMetrics, UNKNOWN_PATH } from './http-metrics.ts';
import { createLargeAnswers, createLiveAnswers } from './large-answers.ts';
import { bodyTooLarge, createBodies, TOO_LARGE, USUAL_BODY } from './request-body.ts';
import { requestFields } from './request-fields.ts';
import { endRequestSpan, requestSpan } from './request-span.ts';
import { splitConsolePath, splitTenantPath } from './request-target.ts';
import { COMMON_HEADERS } from './response-body.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes/index.ts';
import { createRouteServer } from './serve-route.ts';

export interface AppDeps extends Omit<EntranceDeps, 'arrivals' | 'bodies'> {
  readonly log: Logger;
  /** Whether the process drains: clients must then reconnect, to another process. @default never */
  readonly draining?: () => boolean;
  /** The processes of the cluster. @default none are known */
  readonly processes?: Pick<ProcessDirectory, 'list'> | undefined;
  /** What is delivered, for those who watch. @default they are refused */
  readonly deliveries?: DeliveryWatch | undefined;
  /** Asks NATS for the size of the message log. @default it is not known */
  readonly logSize?: (() => Promise<LogSize>) | undefined;
  /** Whether it is a process of the console alone, without the routes of OpenIM. @default false */
  readonly consoleOnly?: boolean;
  /** Folder of the built console. @default the one that comes with this code */
  readonly consoleDir?: string;
  /** Names the API server to pods. @default that of the process */
  readonly env?: NodeJS.ProcessEnv;
  /** @default off */
  readonly tracing?: Tracing | undefined;
}

/** Interval of checks for requests that do not arrive in time. */
const ARRIVAL_CHECK_MS = 5_000;
const OPTIONS_ANSWER = Buffer.from('"Options Request!"');

/** The HTTP API as a fastify instance that does not listen yet; `inject()` works on it. */
export async function createApp(deps: AppDeps): Promise<FastifyInstance> {
  const { tenants, log, processes, tracing = NO_TRACING, consoleOnly = false } = deps;
  const config = ownConfig(deps.config, consoleOnly);
  const served = consoleOnly ? [] : ROUTES;
  const metrics = httpMetrics(deps.metrics);
  const admission = createAdmission(tenants, deps.metrics);
  const bodies = createBodies(config.maxBodyBytes, deps.metrics);
  const arrivals = new Arrivals();
  const answers = createAnswers(arrivals);
  const entrance = createEntrance({ ...deps, config, arrivals, bodies });
  const largeAnswers = createLargeAnswers(deps.metrics);
  const routes = new Map(served.map((route) => [route.path, route]));
  const limitOf = (route: Route | undefined) =>
    Math.min(route?.bodyLimit ?? USUAL_BODY, config.bodyLimitBytes);
  const serve = createRouteServer({ arrivals, answers, entrance, largeAnswers, limitOf, log });

  const app = fastify({
    logger: false,
    http: { connectionsCheckingInterval: ARRIVAL_CHECK_MS, headersTimeout: config.arrivalTimeoutMs },
    requestTimeout: config.arrivalTimeoutMs,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 2_048 },
    rewriteUrl(raw) {
      const sent = raw.url ?? '/';
      const ofPage = config.console.enabled ? splitConsolePath(sent, config.console.path) : undefined;
      const split = splitTenantPath(tenants, ofPage?.url ?? sent, raw.headers.host ?? '');
      const contentType = raw.headers['content-type'] ?? '';
      // Routes decide how to read a body; fastify would refuse unknown types.
      raw.headers['content-type'] = 'application/octet-stream';
      arrivals.add(raw, ofPage ? { ...split, prefix: ofPage.prefix } : split, contentType);
      // The prefix of an unknown tenant has no routes.
      return split.tenant || split.refused || split.prefix === '' ? split.url : '/404';
    },
  });

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    const limit = limitOf(routes.get(request.routeOptions.url ?? ''));
    const bytes = Number(request.headers['content-length'] ?? 0);
    if (bytes > limit) throw argsError(bodyTooLarge(limit, bytes));
    return bodies.read(request.raw, payload, limit);
  });

  function beginTrace(tracer: Tracer, request: FastifyRequest): void {
    const arrival = arrivals.of(request);
    const { tenant, startedAt } = arrival;
    const { url = '' } = request.routeOptions;
    if (!tenant || !(isAdminPath(url) || (request.method === 'POST' && routes.has(url)))) return;
    arrival.span = requestSpan(tracer, request, url, { tenant: tenant.id, startedAt });
  }

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(COMMON_HEADERS);
    if (deps.draining?.()) reply.header('connection', 'close');
    if (tracing.tracer) beginTrace(tracing.tracer, request);
    if (isAdminPath(request.routeOptions.url)) return undefined;
    const { tenant } = arrivals.of(request);
    const wait = tenant && request.method === 'POST' ? admission.refuse(tenant) : undefined;
    if (tenant && wait !== undefined) {
      reply.code(429).headers({
        'retry-after': String(wait),
        'x-ratelimit-limit': String(tenant.quotas.requestsPerSecond),
        'x-ratelimit-remaining': '0',
      });
      return answers.fail(
        request,
        reply,
        new ImError(ERR.TooManyRequests, 'the tenant sends too many requests'),
      );
    }
    const route = request.method === 'POST' ? routes.get(request.routeOptions.url ?? '') : undefined;
    if (!route) return undefined;
    reply.raw.once('close', () => bodies.release(request.raw));
    try {
      arrivals.of(request).call = await entrance.enter(request, route);
      return undefined;
    } catch (error) {
      if (!(error instanceof ImError))
        log.error(
          { ...requestFields(arrivals, request), err: error, path: route.path },
          'request failed unexpectedly',
        );
      const failure = toImError(error);
      if (failure.code === ERR.TooManyRequests) reply.code(429);
      return answers.fail(request, reply, failure);
    }
  });

  app.addHook('onResponse', async (request, reply) => {
    const { startedAt, errCode, span } = arrivals.of(request);
    const path = request.routeOptions.url ?? UNKNOWN_PATH;
    const seconds = (performance.now() - startedAt) / 1_000;
    metrics.answered(path, request.method, reply.statusCode, errCode, seconds);
    if (span) endRequestSpan(span, reply.statusCode, errCode);
    if (log.isLevelEnabled('debug')) {
      const call = requestFields(arrivals, request);
      log.debug(
        { ...call, path, errCode, status: reply.statusCode, ms: Math.round(seconds * 1_000) },
        'answered',
      );
    }
  });

  app.setNotFoundHandler((_request, reply) =>
    sendPlain(reply, { status: 404, headers: { 'content-type': 'text/plain' }, body: '404 page not found' }),
  );
  app.setErrorHandler(async (error: unknown, request, reply) => {
    const own = error instanceof ImError;
    const ofError = (error as { statusCode?: number }).statusCode ?? 500;
    const status = own ? statusOf(error, request.method) : ofError;
    reply.code(status);
    // The rest of the body is not read.
    if (own) reply.header('connection', 'close');
    const text = messageOf(error);
    if (status >= 500)
      log.error({ ...requestFields(arrivals, request), err: error }, 'request failed unexpectedly');
    return answers.fail(request, reply, own || status >= 500 ? toImError(error) : argsError(text));
  });

  for (const route of served) {
    app.post(route.path, (request, reply) => serve(route, request, reply));
    app.options(route.path, async (_request, reply) => reply.send(OPTIONS_ANSWER));
  }
  for (const { path, answer } of consoleOnly ? [] : FIXED_ROUTES) {
    app.get(path, async (_request, reply) => sendPlain(reply, await answer({ config, processes })));
  }
  app.get<{ Params: { '*': string } }>('/object/*', async (request, reply) => {
    const { ctx, ...call } = entrance.anonymousCall(request);
    const operationID = ctx.operationID || randomId();
    return sendPlain(
      reply,
      await redirectToObject({ ...call, ctx: { ...ctx, operationID } }, request.params['*']),
    );
  });

  const logins = consoleLogins(config.console);
  const resource = createClusterResources(config.console.resource, deps.metrics, deps.env ?? process.env);
  serveAdmin(app, {
    arrivals,
    answers,
    admission,
    entrance,
    bodies,
    largeAnswers,
    liveAnswers: createLiveAnswers(deps.metrics),
    tails: createTails(deps.deliveries, deps.metrics),
    metrics: deps.metrics,
    log,
    tenants,
    clusterTenant: config.console.clusterTenant,
    consolePath: config.console.path,
    cluster: createClusterView({ processes, logSize: deps.logSize, log }),
    resource,
    logins,
  });
  if (config.console.enabled) {
    serveConsole(app, deps.consoleDir ?? CONSOLE_DIR, config.console.path);
    // People type a host that only has the console.
    if (consoleOnly)
      app.get('/', (request, reply) => reply.redirect(below(request.originalUrl, config.console.path)));
    serveLogins(app, { logins, entrance, path: config.console.path, metrics: deps.metrics, log });
  }

  app.server.maxConnections = config.maxConnections;
  app.addHook('onClose', async () => {
    entrance.close();
    resource.close();
  });
  await app.ready();
  return app;
}

/** The settings of a process, whose console is off where separate processes serve it. */
function ownConfig(config: ServerConfig['api'], consoleOnly: boolean): ServerConfig['api'] {
  const { console } = config;
  if (consoleOnly || !console.ownProcesses) return config;
  return { ...config, console: { ...console, enabled: false } };
}

/** A path below the URL of a request, relative to it, so that it holds below any prefix. */
function below(sent: string, path: string): string {
  const [target = ''] = sent.split('?');
  const last = target.split('/').at(-1);
  return last ? `${last}${path}` : path.slice(1);
}

/** HTTP status of an error outside a route: a refused body, or a download. */
function statusOf({ code }: ImError, method: string): number {
  if (code === ERR.TooManyRequests) return 429;
  if (code === ERR.NetworkError) return 503;
  return method === 'POST' ? TOO_LARGE : 400;
}
