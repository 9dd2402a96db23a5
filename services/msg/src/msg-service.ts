import type { DomainService } from '@im/rpc';
import { searchMethods } from './admin/search-methods.ts';
import { statisticsMethods } from './admin/statistics-methods.ts';
import { clearMethods } from './change/clear-methods.ts';
import { deleteMethods } from './change/delete-methods.ts';
import { readMethods } from './change/read-methods.ts';
import { revokeMethods } from './change/revoke-methods.ts';
import type { MsgParts } from './parts.ts';
import { positionMethods } from './read/position-methods.ts';
import { pullMethods } from './read/pull-methods.ts';
import { sendMethods } from './send/send-methods.ts';
import { sendStatus } from './send/send-status.ts';
import { createSender } from './send/sender.ts';

/** The msg domain: sending, pulling, read state, revocation, deletion, and administrators' questions. */
export function createMsgService(parts: MsgParts): DomainService<'msg'> {
  return {
    ...sendMethods(parts, createSender(parts), sendStatus(parts.store, parts.background)),
    ...pullMethods(parts),
    ...positionMethods(parts),
    ...readMethods(parts),
    ...revokeMethods(parts),
    ...deleteMethods(parts),
    ...clearMethods(parts),
    ...searchMethods(parts),
    ...statisticsMethods(parts),
  };
}
