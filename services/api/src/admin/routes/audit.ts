import { type AuditRecord, listAudit } from '@im/admin-api';
import { type auth, make } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

function recordOf(record: auth.AuditRecord): AuditRecord {
  const { time, act, targetKind, targetID, reason, details, address, errCode } = record;
  return {
    ...{ id: record.recordID, time, adminID: record.adminUserID, act, targetKind, targetID },
    ...{ reason, details, address, requestID: record.operationID, errCode },
    outcome: record.outcome as AuditRecord['outcome'],
  };
}

/** The audit log. */
export const auditRoutes: readonly AdminRoute[] = [
  adminRoute(listAudit, 'auth.searchAuditRecords', async ({ ctx, rpc }, { query }) => {
    const { adminID = '', act = '', targetKind = '', targetID = '', outcome = '', from = 0, to = 0 } = query;
    const { limit, cursor } = query;
    const request = make('auth.SearchAuditRecordsReq', {
      ...{ adminUserID: adminID, act, targetKind, targetID, outcome },
      ...{ startTime: from, endTime: to, limit, cursor: fromOpaque(cursor) },
    });
    const found = await rpc.client('auth').searchAuditRecords(ctx, request);
    return { records: found.records.map(recordOf), ...opaque(found.cursor) };
  }),
];
