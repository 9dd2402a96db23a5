import { argsError, ERR, ImError, make, ROLE } from '@im/protocol';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { operatorOf, requireLiveGroup } from '../permissions.ts';
import { reportsOf } from '../webhooks.ts';

type TransferGroupMethods = GroupMethods<'transferGroupOwner'>;

/** Transfer of ownership; the two members swap their roles. */
export function transferGroupMethods(deps: GroupDeps): TransferGroupMethods {
  const { members, changes, memberships, notifications, webhooks } = deps;

  return {
    async transferGroupOwner(ctx, { groupID, oldOwnerUserID, newOwnerUserID }) {
      const group = await requireLiveGroup(deps, ctx, groupID);
      if (oldOwnerUserID === newOwnerUserID) throw argsError('oldOwnerUserID equals newOwnerUserID');
      const found = await members.find(ctx.tenant, groupID, [oldOwnerUserID, newOwnerUserID]);
      const oldOwner = found.find(({ userID }) => userID === oldOwnerUserID);
      const newOwner = found.find(({ userID }) => userID === newOwnerUserID);
      if (!oldOwner || !newOwner) throw argsError('oldOwnerUserID or newOwnerUserID is not in the group');
      const { admin, userID } = await operatorOf(deps, ctx, groupID);
      const notOwner = new ImError(ERR.NoPermissionError, 'only the owner passes the group on');
      if (oldOwner.roleLevel !== ROLE.Owner || (!admin && userID !== oldOwnerUserID)) throw notOwner;

      if (newOwner.muteEndTime > Date.now()) {
        const unmuted = await changes.update(ctx.tenant, groupID, newOwnerUserID, { muteEndTime: 0 });
        if (unmuted) await notifications.memberUnmuted(ctx, group, { ...newOwner, muteEndTime: 0 }, unmuted);
      }
      const { roleLevel } = newOwner;
      const after = { ...newOwner, muteEndTime: 0, roleLevel: ROLE.Owner };
      const before = { ...oldOwner, roleLevel };
      const event = { groupID, oldOwnerUserID, newOwnerUserID };
      const reports = reportsOf(webhooks, ctx, 'afterTransferGroupOwner', () => event);
      const passed = await memberships.transferOwner(
        ctx,
        groupID,
        { oldOwnerUserID, newOwnerUserID, roleLevel },
        (transfer) => changes.transferOwner(ctx.tenant, groupID, transfer),
        (stamp, id) => notifications.ownerTransferred(ctx, group, after, before, stamp, id),
        reports,
      );
      if (!passed) throw notOwner;
      return make('group.TransferGroupOwnerResp');
    },
  };
}
