import type { Span, Tracer } from '@im/kit';
import { REQ, type RequestEnvelope } from '@im/protocol';
import type { Connection } from '../connection/connection.ts';

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(REQ).map(([name, id]) => [id, name]));

/** The first step of a client's request; undefined unless its trace is recorded. */
export function requestSpan(
  tracer: Tracer,
  { user, platformID }: Pick<Connection, 'user' | 'platformID'>,
  { reqIdentifier, operationID }: Pick<RequestEnvelope, 'reqIdentifier' | 'operationID'>,
  startedAt: number,
): Span | undefined {
  return tracer.begin(user.tenant, `request ${NAMES.get(reqIdentifier) ?? reqIdentifier}`, {
    kind: 'server',
    startedAt,
    attributes: {
      'openim.request': reqIdentifier,
      'openim.operation_id': operationID,
      'openim.platform': platformID,
    },
  });
}
