import type { IncomingMessage } from 'node:http';
import type { ServerConfig } from '@im/contract';
import {
  type CallContext,
  clientAddress,
  createUserLimit,
  FailedAttempts,
  type Invalidations,
  type Metrics,
  messageOf,
  randomId,
  requireAdmin,
  type TenantDirectory,
  withCaller,
} from '@im/kit';
import { callFields, type Logger } from '@im/process';
import { argsError, ERR, ImError, toImError } from '@im/protocol';
import type { RpcRegistry } from '@im/rpc';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { createAdmission } from './admission.ts';
import { FIXED_ROUTES, type PlainAnswer, redirectToObject } from './get-routes.ts';
import { httpMetrics, UNKNOWN_PATH } from './http-metrics.ts';
import { createLargeAnswers } from './large-answers.ts';
import { bodyTooLarge, createBodies, decompress, TOO_LARGE, USUAL_BODY } from './request-body.ts';
import { objectURL, splitTenantPath, type TenantPath } from './request-target.ts';
import { COMMON_HEADERS, errorBody, gzip, successBody, successParts, takesGzip } from './response-body.ts';
import type { ApiCall, Route } from './route.ts';
import { ROUTES } from './routes/index.ts';
import { createTokenGate, isTokenRefusal, tooManyAttempts } from './token-gate.ts';

export interface AppDeps {
  readonly config: ServerConfig['api'];
  /** Current limits of failed attempts. */
  readonly attempts: () => ServerConfig['attempts'];
  /** Current limits of the cluster. */
  readonly limits: () => ServerConfig['limits'];
  readonly rpc: Pick<RpcRegistry, 'client'>;
  readonly tenants: TenantDirectory;
  readonly invalidations: Invalidations;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Whether the process drains: clients must then reconnect, to another process. @default never */
  readonly draining?: () => boolean;
}

/** Paths below these need no token. */
const LOGIN_PATH = '/auth/get_admin_token';
const PARSE_PATH = '/auth/parse_token';
const WITHOUT_TOKEN = [LOGIN_PATH, PARSE_PATH];
/** Interval of checks for requests that do not arrive in time. */
const ARRIVAL_CHECK_MS = 5_000;
const OPTIONS_ANSWER = Buffer.from('"Options Request!"');
const EMPTY = Buffer.alloc(0);

/** Facts about a request before its route runs. */
interface Arrival extends TenantPath {
  readonly contentType: string;
  /** Monotonic time, ms. */
  readonly startedAt: number;
  /** The request without its body, once operationID and token were accepted. */
  call: ApiCall | undefined;
  /** errCode of the answer; undefined when it has no envelope. */
  errCode: number | undefined;
}

function header(request: FastifyRequest, name: string): string {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

/** The HTTP API as a fastify instance that does not listen yet; `inject()` works on it. */
export async function createApp(deps: AppDeps): Promise<FastifyInstance> {
  const { config, rpc, tenants, log } = deps;
  const metrics = httpMetrics(deps.metrics);
  const admission = createAdmission(tenants);
  const userChanges = createUserLimit('userChanges', deps);
  const bodies = createBodies(config.maxBodyBytes, deps.metrics);
  const tokens = new FailedAttempts('token', () => deps.attempts().tokens, deps.metrics);
  const logins = new FailedAttempts('login', () => deps.attempts().logins, deps.metrics);
  const gate = createTokenGate({ ...deps, attempts: tokens });
  const largeAnswers = createLargeAnswers(deps.metrics);
  const arrivals = new WeakMap<object, Arrival>();
  const routes = new Map(ROUTES.map((route) => [route.path, route]));
  const limitOf = (route: Route | undefined) =>
    Math.min(route?.bodyLimit ?? USUAL_BODY, config.bodyLimitBytes);

  const app = fastify({
    logger: false,
    http: { connectionsCheckingInterval: ARRIVAL_CHECK_MS, headersTimeout: config.arrivalTimeoutMs },
    requestTimeout: config.arrivalTimeoutMs,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 2_048 },
    rewriteUrl(raw) {
      const split = splitTenantPath(tenants, raw.url ?? '/', raw.headers.host ?? '');
      const contentType = raw.headers['content-type'] ?? '';
      // Routes decide how to read a body; fastify would refuse unknown types.
      raw.headers['content-type'] = 'application/octet-stream';
      arrivals.set(raw, {
        ...split,
        contentType,
        startedAt: performance.now(),
        call: undefined,
        errCode: undefined,
      });
      // The prefix of an unknown tenant has no routes.
      return split.tenant || split.refused || split.prefix === '' ? split.url : '/404';
    },
  });

  function arrivalOf(request: FastifyRequest): Arrival {
    const arrival = arrivals.get(request.raw);
    if (!arrival) throw new TypeError('the request never arrived');
    return arrival;
  }

  async function send(request: FastifyRequest, reply: FastifyReply, body: Buffer): Promise<FastifyReply> {
    const compressed = takesGzip(request.headers['accept-encoding']) ? await gzip(body) : undefined;
    if (compressed) reply.header('content-encoding', 'gzip').header('vary', 'Accept-Encoding');
    return reply.send(compressed ?? body);
  }

  async function fail(request: FastifyRequest, reply: FastifyReply, error: ImError): Promise<FastifyReply> {
    arrivalOf(request).errCode = error.code;
    return send(request, reply, Buffer.from(errorBody(error)));
  }

  /** The request before authentication. @throws ImError 90004 while its tenant cannot be served. */
  function anonymousCall(request: FastifyRequest): ApiCall {
    const { tenant, refused, contentType, url, prefix } = arrivalOf(request);
    if (refused) throw new ImError(ERR.NetworkError, 'the settings of the tenant are invalid');
    if (!tenant) throw new ImError(ERR.NetworkError, 'tenants are not known yet');
    if (tenant.suspended) throw new ImError(ERR.NetworkError, 'tenant is suspended');
    const ctx: CallContext = {
      tenant: tenant.id,
      operationID: header(request, 'operationid'),
      deadline: Date.now() + config.requestTimeoutMs,
      opUserID: '',
      opPlatformID: 0,
      opAdmin: false,
      connID: '',
    };
    return {
      ctx,
      tenant,
      rpc,
      contentType,
      query: new URLSearchParams(url.split('?')[1] ?? ''),
      objectURL: objectURL(request.headers, 'encrypted' in request.raw.socket, prefix),
      body: EMPTY,
    };
  }

  const addressOf = (request: FastifyRequest) => clientAddress(request.raw, deps.attempts().trustedProxies);

  /** Counts failed answers of routes without a token. */
  function countFailure(path: string, request: FastifyRequest, error: ImError): void {
    const { tenant } = arrivalOf(request);
    if (!tenant) return;
    const refused = error.code === ERR.NoPermissionError || error.code === ERR.ArgsError;
    if (path === LOGIN_PATH && refused) logins.failed(tenant.id, addressOf(request));
    if (path === PARSE_PATH && isTokenRefusal(error)) tokens.failed(tenant.id, addressOf(request));
  }

  /** Authenticates the request, before its body is read. @throws ImError */
  async function enter(request: FastifyRequest, { path, changes }: Route): Promise<ApiCall> {
    const call = anonymousCall(request);
    const { ctx, tenant } = call;
    if (ctx.operationID === '') throw argsError('header must have operationID');
    if (WITHOUT_TOKEN.some((prefix) => path.startsWith(prefix))) {
      const login = path === LOGIN_PATH;
      if (!(login ? logins : tokens).allows(ctx.tenant, addressOf(request)))
        throw tooManyAttempts(login ? 'logins' : 'tokens');
      return call;
    }
    const { userID, platformID } = await gate.bearer(ctx, header(request, 'token'), addressOf(request));
    const opAdmin = tenant.adminUserIDs.includes(userID);
    const known = withCaller(ctx, { opUserID: userID, opPlatformID: platformID, opAdmin });
    if (changes) userChanges.take(known);
    return { ...call, ctx: known };
  }

  /** The request with its body. Its deadline counts from now: slow uploads do not shorten it. @throws ImError */
  async function arrived(request: FastifyRequest, limit: number): Promise<ApiCall> {
    const { call } = arrivalOf(request);
    if (!call) throw new TypeError('the request never entered');
    const given = Buffer.isBuffer(request.body) ? request.body : EMPTY;
    const body = await decompress(given, request.headers['content-encoding'], limit);
    if (body !== given) bodies.hold(request.raw, body.length);
    return { ...call, body, ctx: { ...call.ctx, deadline: Date.now() + config.requestTimeoutMs } };
  }

  async function serve(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    let refusal: 200 | 400 = 200;
    try {
      const entered = await arrived(request, limitOf(route));
      const call = { ...entered, ctx: { ...entered.ctx, signal: closedEarly(reply) } };
      refusal = route.badInput;
      const action = route.prepare(call);
      refusal = 200;
      if (route.admin) requireAdmin(call.ctx);
      const data = await action();
      arrivalOf(request).errCode = 0;
      if (typeof data === 'object') {
        const failed = (error: unknown) => {
          arrivalOf(request).errCode = toImError(error).code;
          log.warn({ ...callFields(call.ctx), path: route.path, err: error }, 'answer ended early');
        };
        const compress = takesGzip(request.headers['accept-encoding']);
        return largeAnswers.send(reply, call.ctx, successParts(data), { gzip: compress, failed });
      }
      return await send(request, reply, Buffer.from(successBody(data)));
    } catch (error) {
      reply.code(refusal);
      if (error instanceof ImError) countFailure(route.path, request, error);
      if (!(error instanceof ImError))
        log.error({ err: error, path: route.path }, 'request failed unexpectedly');
      return fail(request, reply, toImError(error));
    }
  }

  async function sendPlain(
    reply: FastifyReply,
    { status, headers, body }: PlainAnswer,
  ): Promise<FastifyReply> {
    return reply
      .code(status)
      .headers({ ...headers })
      .send(Buffer.from(body));
  }

  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: IncomingMessage) => {
    const limit = limitOf(routes.get(request.routeOptions.url ?? ''));
    const bytes = Number(request.headers['content-length'] ?? 0);
    if (bytes > limit) throw argsError(bodyTooLarge(limit, bytes));
    return bodies.read(request.raw, payload, limit);
  });

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(COMMON_HEADERS);
    if (deps.draining?.()) reply.header('connection', 'close');
    const { tenant } = arrivalOf(request);
    const wait = tenant && request.method === 'POST' ? admission.refuse(tenant) : undefined;
    if (tenant && wait !== undefined) {
      reply.code(429).headers({
        'retry-after': String(wait),
        'x-ratelimit-limit': String(tenant.quotas.requestsPerSecond),
        'x-ratelimit-remaining': '0',
      });
      return fail(request, reply, new ImError(ERR.TooManyRequests, 'the tenant sends too many requests'));
    }
    const route = request.method === 'POST' ? routes.get(request.routeOptions.url ?? '') : undefined;
    if (!route) return undefined;
    reply.raw.once('close', () => bodies.release(request.raw));
    try {
      arrivalOf(request).call = await enter(request, route);
      return undefined;
    } catch (error) {
      if (!(error instanceof ImError))
        log.error({ err: error, path: route.path }, 'request failed unexpectedly');
      const failure = toImError(error);
      if (failure.code === ERR.TooManyRequests) reply.code(429);
      return fail(request, reply, failure);
    }
  });

  app.addHook('onResponse', async (request, reply) => {
    const { startedAt, errCode, tenant } = arrivalOf(request);
    const path = request.routeOptions.url ?? UNKNOWN_PATH;
    const seconds = (performance.now() - startedAt) / 1_000;
    metrics.answered(path, request.method, reply.statusCode, errCode, seconds);
    if (log.isLevelEnabled('debug')) {
      const call = callFields({ tenant: tenant?.id ?? '', operationID: header(request, 'operationid') });
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
    if (status >= 500) log.error({ err: error }, 'request failed unexpectedly');
    return fail(request, reply, own || status >= 500 ? toImError(error) : argsError(text));
  });

  for (const route of ROUTES) {
    app.post(route.path, (request, reply) => serve(route, request, reply));
    app.options(route.path, async (_request, reply) => reply.send(OPTIONS_ANSWER));
  }
  for (const { path, answer } of FIXED_ROUTES) {
    app.get(path, (_request, reply) => sendPlain(reply, answer(config)));
  }
  app.get<{ Params: { '*': string } }>('/object/*', async (request, reply) => {
    const { ctx, ...call } = anonymousCall(request);
    const operationID = ctx.operationID || randomId();
    return sendPlain(
      reply,
      await redirectToObject({ ...call, ctx: { ...ctx, operationID } }, request.params['*']),
    );
  });

  app.server.maxConnections = config.maxConnections;
  app.addHook('onClose', async () => gate.close());
  await app.ready();
  return app;
}

/** Aborts when the client disconnects before it has its answer. */
function closedEarly(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

/** HTTP status of an error outside a route: a refused body, or a download. */
function statusOf({ code }: ImError, method: string): number {
  if (code === ERR.TooManyRequests) return 429;
  if (code === ERR.NetworkError) return 503;
  return method === 'POST' ? TOO_LARGE : 400;
}
