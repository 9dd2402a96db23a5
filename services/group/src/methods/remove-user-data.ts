import { type CallContext, requireAdmin } from '@im/kit';
import { ERR, ImError, make, ROLE } from '@im/protocol';
import type { JoinedGroup } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';

/** Groups of one call: each notifies its members. */
const AT_ONCE = 20;

/** How users leave groups. */
type Leaving = GroupMethods<'quitGroup' | 'transferGroupOwner' | 'dismissGroup'>;

/**
 * The end of an account: the user leaves all groups. One that they own passes to the admin who joined first, else to the
 * member who joined first; one without other members is dismissed.
 */
export function removeUserDataMethods(deps: GroupDeps, leaving: Leaving): GroupMethods<'removeUserData'> {
  const { members, changes, requests } = deps;

  async function leave(ctx: CallContext, userID: string, { groupID, roleLevel }: JoinedGroup): Promise<void> {
    if (roleLevel === ROLE.Owner) {
      // In the order of roles, and of joining.
      const first = await members.list(ctx.tenant, groupID, { skip: 0, limit: 2 });
      const heir = first.members.find((member) => member.userID !== userID);
      if (!heir) {
        await leaving.dismissGroup(ctx, make('group.DismissGroupReq', { groupID }));
        return;
      }
      const transfer = { groupID, oldOwnerUserID: userID, newOwnerUserID: heir.userID };
      await leaving.transferGroupOwner(ctx, make('group.TransferGroupOwnerReq', transfer));
    }
    await leaving.quitGroup(ctx, make('group.QuitGroupReq', { groupID, userID }));
  }

  /** Dismissed, or left, meanwhile. */
  function isOver(error: unknown): boolean {
    return (
      error instanceof ImError &&
      (error.code === ERR.DismissedAlreadyError || error.code === ERR.RecordNotFoundError)
    );
  }

  return {
    async removeUserData(ctx, { userID }) {
      requireAdmin(ctx);
      const joined = await members.joined(ctx.tenant, userID);
      for (const group of joined.slice(0, AT_ONCE)) {
        try {
          await leave(ctx, userID, group);
        } catch (error) {
          if (!isOver(error)) throw error;
          // What is left of a membership would be found again and again.
          await changes.remove(ctx.tenant, group.groupID, [userID]);
        }
      }
      if (joined.length > AT_ONCE)
        return make('account.RemoveUserDataResp', { removed: AT_ONCE, more: true });
      const removed = joined.length + (await requests.removeAll(ctx.tenant, userID));
      return make('account.RemoveUserDataResp', { removed });
    },
  };
}
