import { requireUsers } from '@im/domain';
import { pageRange, requireSelf } from '@im/kit';
import { ERR, ImError, make } from '@im/protocol';
import type { RelationDeps, RelationMethods } from '../deps.ts';
import { blackInfo } from '../views.ts';

type BlacklistMethods = RelationMethods<
  'addBlack' | 'removeBlack' | 'getPaginationBlacks' | 'getSpecifiedBlacks' | 'getIncrementalBlacks'
>;

/** The users whom a user blocks; a friend stays a friend. */
export function blacklistMethods(deps: RelationDeps): BlacklistMethods {
  const { blacks, users, notifications, webhooks } = deps;

  return {
    async addBlack(ctx, { ownerUserID, blackUserID, ex }) {
      requireSelf(ctx, ownerUserID);
      if (ownerUserID === blackUserID) throw new ImError(ERR.CanNotAddYourselfError);
      await webhooks.before(ctx, 'beforeAddBlack', { ownerUserID, blackUserID });
      await requireUsers(users, ctx, [ownerUserID, blackUserID]);
      const added = await blacks.add(ctx.tenant, {
        ownerUserID,
        blackUserID,
        createTime: Date.now(),
        addSource: 0,
        operatorUserID: ctx.opUserID,
        ex,
      });
      // OpenIM answers 500, as if it had failed itself.
      if (!added) throw new ImError(ERR.DuplicateKeyError, `blackUserID is blocked already: ${blackUserID}`);
      await notifications.blackAdded(ctx, ownerUserID, blackUserID);
      return make('relation.AddBlackResp');
    },
    async removeBlack(ctx, { ownerUserID, blackUserID }) {
      requireSelf(ctx, ownerUserID);
      await blacks.remove(ctx.tenant, ownerUserID, blackUserID);
      await notifications.blackDeleted(ctx, ownerUserID, blackUserID);
      await webhooks.after(ctx, 'afterRemoveBlack', { ownerUserID, blackUserID });
      return make('relation.RemoveBlackResp');
    },
    async getPaginationBlacks(ctx, { userID, pagination }) {
      requireSelf(ctx, userID);
      const { total, blacks: list } = await blacks.list(ctx.tenant, userID, pageRange(pagination));
      const profiles = await users.getMany(
        ctx.tenant,
        list.map(({ blackUserID }) => blackUserID),
      );
      return make('relation.GetPaginationBlacksResp', {
        blacks: list.map((black) => blackInfo(black, 'seconds', profiles)),
        total,
      });
    },
    async getSpecifiedBlacks(ctx, { ownerUserID, userIDList }) {
      requireSelf(ctx, ownerUserID);
      const [list, profiles] = await Promise.all([
        blacks.find(ctx.tenant, ownerUserID, userIDList),
        users.getMany(ctx.tenant, userIDList),
      ]);
      return make('relation.GetSpecifiedBlacksResp', {
        blacks: list.map((black) => blackInfo(black, 'ms', profiles)),
        total: list.length,
      });
    },
    // Clients know this route but no server ever answered it: blacklists have no version log.
    async getIncrementalBlacks() {
      throw new ImError(ERR.ServerInternalError, 'blacklists have no versions', 'NotImplemented');
    },
  };
}
