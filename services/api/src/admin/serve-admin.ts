import { ADMIN_BASE, type Operation, openApi, type Taken } from '@im/admin-api';
import { KEY_SEPARATOR, KeyedBuckets, type Metrics, type TenantDirectory } from '@im/kit';
import { callFields, type Logger, productVersion } from '@im/process';
import { argsError, ERR, ImError, toImError } from '@im/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Admission } from '../admission.ts';
import { type Answers, sendPlain } from '../answers.ts';
import type { Arrivals } from '../arrivals.ts';
import { closedEarly } from '../closed-early.ts';
import type { ClusterResources } from '../console/kubernetes/cluster-resource.ts';
import type { ConsoleLogins } from '../console/logins.ts';
import type { Entrance } from '../entrance.ts';
import type { LargeAnswers } from '../large-answers.ts';
import { type Bodies, USUAL_BODY } from '../request-body.ts';
import { requestFields } from '../request-fields.ts';
import { takesGzip } from '../response-body.ts';
import type { AdminCall, AdminRoute, ClusterView } from './admin-route.ts';
import { createAuditLog } from './audit-log.ts';
import { browserRequest } from './browser-request.ts';
import { auditNameOf } from './console-caller.ts';
import { refusalOf } from './failure.ts';
import { takenOf } from './input.ts';
import { ADMIN_ROUTES } from './routes/index.ts';
import type { Tails } from './tails.ts';

/** Dependencies of {@link serveAdmin}. */
export interface AdminServerDeps {
  readonly arrivals: Arrivals;
  readonly answers: Answers;
  readonly admission: Admission;
  readonly entrance: Entrance;
  readonly bodies: Bodies;
  readonly largeAnswers: LargeAnswers;
  readonly liveAnswers: LargeAnswers;
  readonly tails: Tails;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly tenants: Pick<TenantDirectory, 'list'>;
  readonly cluster: ClusterView;
  readonly resource: ClusterResources;
  readonly logins: ConsoleLogins;
  /** Setting `api.console.clusterTenant`. */
  readonly clusterTenant: string;
  /** Setting `api.console.path`. */
  readonly consolePath: string;
}

const PER_SECOND = 50;
/** Buckets of one tenant and operation each. */
const MOST_BUCKETS = 10_000;
const TOO_LARGE = 413;

/** Path of an operation as the router writes it. */
function routerPath({ path }: Operation): string {
  return ADMIN_BASE + path.replace(/\{(\w+)\}/g, ':$1');
}

const PATHS: ReadonlySet<string> = new Set(ADMIN_ROUTES.map(({ operation }) => routerPath(operation)));

/** Whether these routes answer a path of the router, each in its way. */
export function isAdminPath(path: string | undefined): boolean {
  return path !== undefined && PATHS.has(path);
}

async function* linesOf(
  { operation: { answer } }: AdminRoute,
  objects: AsyncIterable<unknown>,
): AsyncGenerator<string, void> {
  for await (const one of objects) yield `${JSON.stringify(answer.parse(one))}\n`;
}

/** @throws ImError 1001 unless the request says why. */
function requireReason({ query, body }: Taken<Operation>): void {
  const { reason } = { ...Object(body), ...Object(query) };
  if (typeof reason !== 'string' || reason.trim() === '')
    throw argsError('reason is empty: say why you read this; it is kept in the audit log');
}

/** Adds the operations of @im/admin-api and their document to the HTTP API. */
export function serveAdmin(app: FastifyInstance, deps: AdminServerDeps): void {
  const { arrivals, answers, admission, entrance, bodies, largeAnswers, liveAnswers, log } = deps;
  const audit = createAuditLog(deps.metrics, log);
  const rates = new KeyedBuckets({ max: MOST_BUCKETS });

  async function fail(request: FastifyRequest, reply: FastifyReply, error: ImError, given?: number) {
    const { status, failure } = refusalOf(error, String(reply.getHeader('x-request-id') ?? ''));
    arrivals.of(request).errCode = error.code;
    reply.code(given ?? status);
    if (status === 429 && !reply.hasHeader('retry-after')) reply.header('retry-after', '1');
    return answers.send(request, reply, Buffer.from(JSON.stringify({ error: failure })));
  }

  /** Before the body is read. */
  function enter(operation: Operation) {
    const { id, perSecond = PER_SECOND } = operation;
    return async (request: FastifyRequest, reply: FastifyReply) => {
      reply.raw.once('close', () => bodies.release(request.raw));
      const requestID = entrance.requestID(request);
      reply.headers({ 'x-request-id': requestID, 'cache-control': 'no-store' });
      try {
        const { tenant } = arrivals.of(request);
        const wait = tenant && admission.refuse(tenant);
        if (wait !== undefined) {
          reply.header('retry-after', String(wait));
          throw new ImError(ERR.TooManyRequests, 'the tenant sends too many requests');
        }
        const call = await entrance.enterAdmin(request, operation, requestID);
        const limit = { ratePerSecond: perSecond, burst: perSecond };
        if (!rates.take(call.ctx.tenant + KEY_SEPARATOR + id, limit))
          throw new ImError(ERR.TooManyRequests, `${id} is called more than ${perSecond} times per second`);
        arrivals.of(request).call = call;
        return undefined;
      } catch (error) {
        if (!(error instanceof ImError))
          log.error(
            { ...requestFields(arrivals, request), err: error, operation: id },
            'request failed unexpectedly',
          );
        return fail(request, reply, toImError(error));
      }
    };
  }

  async function execute(route: AdminRoute, request: FastifyRequest, reply: FastifyReply) {
    const { operation } = route;
    const { query, ...entered } = await entrance.arrived(request, USUAL_BODY);
    const taken = takenOf(operation, { params: request.params, query, body: entered.body });
    // What was started is finished, also for a caller who does not wait for it.
    const reads = operation.method === 'GET';
    const ctx = reads ? { ...entered.ctx, signal: closedEarly(reply) } : entered.ctx;
    if (entered.console && operation.console?.reason) requireReason(taken);
    const call: AdminCall = {
      ...entered,
      ctx,
      address: entrance.addressOf(request),
      actor: entered.console ? auditNameOf(entered.console) : ctx.opUserID,
      browser: browserRequest(request, reply, entered, deps),
      tails: deps.tails,
      cluster: deps.cluster,
      resource: deps.resource,
      logins: deps.logins,
    };
    const ended = operation.audit && (await audit.begin(call, operation.audit, taken));
    try {
      const answer = route.answer(call, taken);
      if (Symbol.asyncIterator in answer) {
        const failed = (error: unknown) => {
          arrivals.of(request).errCode = toImError(error).code;
          log.warn({ ...callFields(ctx), operation: operation.id, err: error }, 'answer ended early');
        };
        const rest = linesOf(route, answer);
        // What is refused is so before the answer begins.
        const first = await rest.next();
        const lines = async function* () {
          let failure: ImError | undefined = new ImError(
            ERR.NetworkError,
            'the answer was not read to its end',
          );
          try {
            if (!first.done) yield first.value;
            yield* rest;
            failure = undefined;
          } finally {
            await ended?.(failure);
          }
        };
        arrivals.of(request).errCode = 0;
        reply.header('content-type', 'application/x-ndjson');
        // A compressor would hold back what is to be seen now.
        const gzip = !operation.live && takesGzip(request.headers['accept-encoding']);
        return (operation.live ? liveAnswers : largeAnswers).send(reply, ctx, lines(), { gzip, failed });
      }
      const text = JSON.stringify(operation.answer.parse(await answer));
      await ended?.(undefined);
      arrivals.of(request).errCode = 0;
      return await answers.send(request, reply, Buffer.from(text));
    } catch (error) {
      if (operation.open && toImError(error).code === ERR.NoPermissionError)
        entrance.countFailedLink(request);
      await ended?.(toImError(error));
      throw error;
    }
  }

  for (const route of ADMIN_ROUTES) {
    const { operation } = route;
    app.route({
      method: operation.method,
      url: routerPath(operation),
      onRequest: enter(operation),
      async handler(request, reply) {
        try {
          return await execute(route, request, reply);
        } catch (error) {
          if (!(error instanceof ImError))
            log.error(
              { ...requestFields(arrivals, request), err: error, operation: operation.id },
              'request failed unexpectedly',
            );
          return fail(request, reply, toImError(error));
        }
      },
      // The body did not arrive, or is too large.
      async errorHandler(error, request, reply) {
        const failure = toImError(error);
        reply.header('connection', 'close');
        return fail(request, reply, failure, failure.code === ERR.ArgsError ? TOO_LARGE : undefined);
      },
    });
  }
  for (const path of PATHS) app.options(path, async (_request, reply) => reply.send());
  const document = JSON.stringify(openApi(productVersion()));
  app.get(`${ADMIN_BASE}/openapi.json`, (_request, reply) =>
    sendPlain(reply, { status: 200, headers: { 'content-type': 'application/json' }, body: document }),
  );
}
