import { requireAdmin, withCaller } from '@im/kit';
import { make } from '@im/protocol';
import type { RelationDeps, RelationMethods } from '../deps.ts';

/** Friends of one call: each is notified. */
const AT_ONCE = 50;

/** The end of an account: friendships in both directions, requests, and the own blacklist. */
export function removeUserDataMethods(deps: RelationDeps): RelationMethods<'removeUserData'> {
  const { friends, requests, blacks, notifications } = deps;

  return {
    async removeUserData(ctx, { userID }) {
      requireAdmin(ctx);
      const { tenant } = ctx;
      const owners = await friends.ownersOf(tenant, userID);
      for (const owner of owners.slice(0, AT_ONCE)) {
        const stamp = await friends.remove(tenant, owner, userID);
        const asOwner = withCaller(ctx, { opUserID: owner, opPlatformID: 0, opAdmin: true });
        await notifications.deleted(asOwner, owner, userID, stamp);
      }
      if (owners.length > AT_ONCE)
        return make('account.RemoveUserDataResp', { removed: AT_ONCE, more: true });
      const own = await friends.ids(tenant, userID);
      for (const friend of own.slice(0, AT_ONCE)) await friends.remove(tenant, userID, friend);
      const removed = owners.length + Math.min(own.length, AT_ONCE);
      if (own.length > AT_ONCE) return make('account.RemoveUserDataResp', { removed, more: true });
      const others = (await requests.removeAll(tenant, userID)) + (await blacks.removeAll(tenant, userID));
      return make('account.RemoveUserDataResp', { removed: removed + others });
    },
  };
}
