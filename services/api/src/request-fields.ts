import { type CallFields, callFields } from '@im/process';
import type { FastifyRequest } from 'fastify';
import type { Arrivals } from './arrivals.ts';
import { header } from './entrance.ts';

/** The fields of log lines about a request. */
export function requestFields(arrivals: Arrivals, request: FastifyRequest): CallFields {
  const { tenant, span } = arrivals.of(request);
  const operationID = header(request, 'operationid');
  return callFields({ tenant: tenant?.id ?? '', operationID, ...(span && { span }) });
}
