import type { Span, Tracer } from '@im/kit';
import { ImError } from '@im/protocol';
import type { FastifyRequest } from 'fastify';
import { header } from './entrance.ts';

/** The first step of an HTTP request to a route; undefined unless its trace is recorded. */
export function requestSpan(
  tracer: Tracer,
  request: FastifyRequest,
  route: string,
  { tenant, startedAt }: { readonly tenant: string; readonly startedAt: number },
): Span | undefined {
  return tracer.begin(tenant, `${request.method} ${route}`, {
    kind: 'server',
    startedAt,
    caller: header(request, 'traceparent'),
    attributes: {
      'http.request.method': request.method,
      'http.route': route,
      'openim.operation_id': header(request, 'operationid'),
    },
  });
}

/** Ends the step of a request as it was answered. */
export function endRequestSpan(span: Span, status: number, errCode: number | undefined): void {
  span.set({ 'http.response.status_code': status });
  span.end(errCode ? new ImError(errCode) : undefined);
}
