import { requireAdmin } from '@im/kit';
import { make } from '@im/protocol';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';

/** Files of one call. */
const AT_ONCE = 200;

/**
 * The end of an account: registered devices, badge, quiet hours, client logs, and the files where they are to be erased.
 * The bytes of a file go with the next removal of leftovers, unless another file has the same.
 */
export function removeUserDataMethods(deps: ThirdDeps): ThirdMethods<'removeUserData'> {
  const { pushTokens, preferences, logs, objects, space } = deps;

  return {
    async removeUserData(ctx, { userID, erase }) {
      requireAdmin(ctx);
      const { tenant } = ctx;
      const files = erase ? await objects.named(tenant, userID, AT_ONCE) : [];
      for (const file of files) {
        // First, so that no bytes are left when this ends in between.
        await space.replaced(ctx, file, '');
        await objects.remove(tenant, file.name, file.key);
      }
      if (files.length === AT_ONCE)
        return make('account.RemoveUserDataResp', { removed: AT_ONCE, more: true });
      const counts = await Promise.all([
        pushTokens.removeAll(tenant, userID),
        preferences.remove(tenant, userID),
        logs.removeOf(tenant, userID),
      ]);
      const removed = counts.reduce((sum, count) => sum + count, files.length);
      return make('account.RemoveUserDataResp', { removed });
    },
  };
}
