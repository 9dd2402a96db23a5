import { exportTenant, exportUser } from '@im/admin-api';
import { type AdminRoute, adminStream } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';
import { tenantExportLines } from '../export-tenant.ts';
import { exportLines, onBehalfOf } from '../export-user.ts';

/** Exports of what is stored. */
export const exportRoutes: readonly AdminRoute[] = [
  adminStream(exportUser, 'api.exportUser', async function* ({ ctx, rpc }, { params: { userID }, query }) {
    const { limit } = query;
    const of = { userID, rpc, call: onBehalfOf(ctx, userID) };
    for await (const line of exportLines(of, { limit, cursor: fromOpaque(query.cursor) }))
      yield { ...line, cursor: opaque(line.cursor).nextCursor ?? '' };
  }),
  adminStream(exportTenant, 'third.getTenantExport', async function* ({ ctx, rpc }, { query }) {
    const { limit, since } = query;
    const of = { rpc, call: onBehalfOf(ctx, ctx.opUserID), signal: ctx.signal };
    for await (const line of tenantExportLines(of, { limit, since, cursor: fromOpaque(query.cursor) }))
      yield { ...line, cursor: opaque(line.cursor).nextCursor ?? '' };
  }),
];
