import { exportUser } from '@im/admin-api';
import { type AdminRoute, adminStream } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';
import { exportLines, onBehalfOf } from '../export-user.ts';

/** Exports of users' data. */
export const exportRoutes: readonly AdminRoute[] = [
  adminStream(exportUser, 'api.exportUser', async function* ({ ctx, rpc }, { params: { userID }, query }) {
    const { limit } = query;
    const of = { userID, rpc, call: onBehalfOf(ctx, userID) };
    for await (const line of exportLines(of, { limit, cursor: fromOpaque(query.cursor) }))
      yield { ...line, cursor: opaque(line.cursor).nextCursor ?? '' };
  }),
];
