import { requireAdmin } from '@im/kit';
import { callFields, type Logger } from '@im/process';
import { ImError, toImError } from '@im/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answers } from './answers.ts';
import type { Arrivals } from './arrivals.ts';
import { closedEarly } from './closed-early.ts';
import type { Entrance } from './entrance.ts';
import type { LargeAnswers } from './large-answers.ts';
import { requestFields } from './request-fields.ts';
import { successBody, successParts, takesGzip } from './response-body.ts';
import type { Route } from './route.ts';

/** Dependencies of {@link createRouteServer}. */
export interface RouteServerDeps {
  readonly arrivals: Arrivals;
  readonly answers: Answers;
  readonly entrance: Entrance;
  readonly largeAnswers: LargeAnswers;
  /** Longest body of a route, in bytes. */
  readonly limitOf: (route: Route) => number;
  readonly log: Logger;
}

/** Answers a request of a route. */
export type RouteServer = (
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
) => Promise<FastifyReply>;

export function createRouteServer(deps: RouteServerDeps): RouteServer {
  const { arrivals, answers, entrance, largeAnswers, limitOf, log } = deps;
  return async (route, request, reply) => {
    let refusal: 200 | 400 = 200;
    try {
      const entered = await entrance.arrived(request, limitOf(route));
      const call = { ...entered, ctx: { ...entered.ctx, signal: closedEarly(reply) } };
      refusal = route.badInput;
      const action = route.prepare(call);
      refusal = 200;
      if (route.admin) requireAdmin(call.ctx);
      const data = await action();
      arrivals.of(request).errCode = 0;
      if (typeof data === 'object') {
        const failed = (error: unknown) => {
          arrivals.of(request).errCode = toImError(error).code;
          log.warn({ ...callFields(call.ctx), path: route.path, err: error }, 'answer ended early');
        };
        const compress = takesGzip(request.headers['accept-encoding']);
        return largeAnswers.send(reply, call.ctx, successParts(data), { gzip: compress, failed });
      }
      return await answers.send(request, reply, Buffer.from(successBody(data)));
    } catch (error) {
      reply.code(refusal);
      if (error instanceof ImError) entrance.countFailure(route.path, request, error);
      if (!(error instanceof ImError))
        log.error(
          { ...requestFields(arrivals, request), err: error, path: route.path },
          'request failed unexpectedly',
        );
      return answers.fail(request, reply, toImError(error));
    }
  };
}
