import { requireAdmin } from '@im/kit';
import { make } from '@im/protocol';
import type { UserDeps, UserMethods } from '../deps.ts';

/** Numbers of live connections, for administrators. */
export function connectionCountMethods({ presence }: UserDeps): UserMethods<'getConnectionCounts'> {
  return {
    async getConnectionCounts(ctx) {
      requireAdmin(ctx);
      return make('user.GetConnectionCountsResp', { gateways: await presence.counts(ctx.tenant) });
    },
  };
}
