import { type CallContext, callFields } from '@im/kit';
import { GROUP_STATUS, make } from '@im/protocol';
import { dismissed, operatorOf, requireGroup } from '../access.ts';
import type { GroupMethods, GroupParts } from '../parts.ts';
import { requireOwner } from '../rules.ts';

/**
 * Members who are named in the notification and leave at its place in the message log. In a larger group nobody is
 * named: no message follows the last one, so nobody's view has to be ended.
 */
const MAX_NAMED = 1_000;
/** Members removed at a time. */
const BATCH = 500;

/** The end of a group; its row and messages stay. */
export function dismissGroupMethods(parts: GroupParts): GroupMethods<'dismissGroup'> {
  const { groups, members, changes, notices, background, log } = parts;

  async function removeAll(ctx: CallContext, groupID: string, signal?: AbortSignal): Promise<void> {
    for (;;) {
      const removed = await changes.removeSome(ctx.tenant, groupID, BATCH);
      if (removed.length < BATCH || signal?.aborted) return;
    }
  }
  /** What is left by a crash goes when an administrator dismisses with deleteMember. */
  function removeAllLater(ctx: CallContext, groupID: string): void {
    background.spawn('dismissed-members', async (signal) => {
      await removeAll(ctx, groupID, signal);
      log.info(callFields(ctx), 'members of a dismissed group removed');
    });
  }

  return {
    async dismissGroup(ctx, { groupID, deleteMember, sendMessage }) {
      const group = await requireGroup(parts, ctx, groupID);
      requireOwner(await operatorOf(parts, ctx, groupID));
      if (deleteMember) {
        await groups.update(ctx.tenant, groupID, { status: GROUP_STATUS.Dismissed });
        await removeAll(ctx, groupID);
        return make('group.DismissGroupResp');
      }
      if (group.status === GROUP_STATUS.Dismissed) throw dismissed();
      const ended = { ...group, status: GROUP_STATUS.Dismissed };
      const scene = await notices.dismissalScene(ctx, ended);
      const updated = await groups.update(ctx.tenant, groupID, { status: GROUP_STATUS.Dismissed });
      if (!updated) throw dismissed();
      if ((await members.count(ctx.tenant, groupID)) > MAX_NAMED) {
        await notices.groupDismissed(ctx, scene, [], sendMessage);
        removeAllLater(ctx, groupID);
      } else {
        // Removed before they are told: who then asks for his groups no longer finds this one.
        const userIDs = await members.userIDs(ctx.tenant, groupID);
        await removeAll(ctx, groupID);
        await notices.groupDismissed(ctx, scene, userIDs, sendMessage);
      }
      return make('group.DismissGroupResp');
    },
  };
}
