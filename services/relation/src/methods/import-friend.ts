import { NOTIFICATIONS_AT_ONCE, requireUsers } from '@im/domain';
import { eachLimited, requireAdmin } from '@im/kit';
import { argsError, checkLimits, ERR, ImError, make } from '@im/protocol';
import type { Friend } from '@im/store';
import type { RelationDeps, RelationMethods } from '../deps.ts';

type ImportFriendMethods = RelationMethods<'importFriend'>;

const ADD_SOURCE_IMPORT = 1;
const MAX_IMPORT = 1_000;
/** Administrators make users friends without asking them. */
export function importFriendMethods(deps: RelationDeps): ImportFriendMethods {
  const { friends, users, notifications, webhooks } = deps;

  return {
    async importFriend(ctx, { ownerUserID, friendUserIDs: given }) {
      requireAdmin(ctx);
      const reply = await webhooks.before(ctx, 'beforeImportFriends', { ownerUserID, friendUserIDs: given });
      const friendUserIDs = reply?.friendUserIDs?.length ? reply.friendUserIDs : given;
      checkLimits('relation.ImportFriendReq', make('relation.ImportFriendReq', { friendUserIDs }));
      if (friendUserIDs.length > MAX_IMPORT) throw argsError(`friendUserIDs has more than ${MAX_IMPORT}`);
      await requireUsers(users, ctx, [ownerUserID, ...friendUserIDs]);
      if (friendUserIDs.includes(ownerUserID)) throw new ImError(ERR.CanNotAddYourselfError);
      if (new Set(friendUserIDs).size !== friendUserIDs.length) throw argsError('friend userID repeated');

      const base = {
        remark: '',
        createTime: Date.now(),
        addSource: ADD_SOURCE_IMPORT,
        operatorUserID: ctx.opUserID,
        ex: '',
        isPinned: false,
      };
      const mine = friendUserIDs.map((id): Friend => ({ ...base, ownerUserID, friendUserID: id }));
      const theirs = friendUserIDs.map(
        (id): Friend => ({ ...base, ownerUserID: id, friendUserID: ownerUserID }),
      );
      await friends.add(ctx.tenant, [...mine, ...theirs]);
      await eachLimited(friendUserIDs, NOTIFICATIONS_AT_ONCE, (id) =>
        notifications.approved(ctx, ownerUserID, id, '', null),
      );
      await webhooks.after(ctx, 'afterImportFriends', { ownerUserID, friendUserIDs });
      return make('relation.ImportFriendResp');
    },
  };
}
