import type { CallContext } from '@im/kit';
import { callFields } from '@im/process';
import { CONTENT, GROUP_STATUS, make } from '@im/protocol';
import type { MembershipIntent } from '@im/store';
import { dismissed, operatorOf, requireGroup } from '../access.ts';
import { QUIET_DISMISSAL } from '../membership/relay.ts';
import { removeAllMembers } from '../membership/remove-all.ts';
import type { Scene } from '../notices/scene.ts';
import type { GroupMethods, GroupParts } from '../parts.ts';
import { requireOwner } from '../rules.ts';

/**
 * Members who are named in the notification and leave at its place in the message log. In a larger group nobody is
 * named: no message follows the last one, so nobody's view has to be ended.
 */
const MAX_NAMED = 1_000;
/** The end of a group; its row and messages stay. */
export function dismissGroupMethods(parts: GroupParts): GroupMethods<'dismissGroup'> {
  const { groups, members, changes, memberships, notices, background, log } = parts;

  /** Removes everybody, notes that, and has the group told; a crash meanwhile leaves the rest to the relay. */
  async function end(ctx: CallContext, intent: MembershipIntent, scene: Scene, signal?: AbortSignal) {
    const { groupID, removedUserIDs: removed } = intent;
    await removeAllMembers(changes, ctx.tenant, groupID, signal);
    const version = await changes.endVersions(ctx.tenant, groupID);
    const outcome = { ...version, added: [], removed };
    const told = await memberships.append(ctx, intent, outcome, (record) =>
      notices.groupDismissed(ctx, scene, record),
    );
    if (!told) return;
    await changes.dropVersions(ctx.tenant, groupID);
    memberships.close(ctx, intent);
  }

  /** Has the group told at once, and removes the members in the background. */
  async function endLater(ctx: CallContext, intent: MembershipIntent, scene: Scene): Promise<void> {
    const { tenant } = ctx;
    const { groupID } = intent;
    const version = await changes.endVersions(tenant, groupID);
    const told = await memberships.append(ctx, intent, { ...version, added: [], removed: [] }, (record) =>
      notices.groupDismissed(ctx, scene, record),
    );
    const removeRest = async (signal: AbortSignal) => {
      await removeAllMembers(changes, tenant, groupID, signal);
      if (signal.aborted || !told) return;
      await changes.dropVersions(tenant, groupID);
      memberships.close(ctx, intent);
      log.info(callFields(ctx), 'members of a dismissed group removed');
    };
    background.spawn('dismissed-members', removeRest, {
      onRefused: () => log.warn(callFields(ctx), 'members of a dismissed group are left to the relay'),
    });
  }

  return {
    async dismissGroup(ctx, { groupID, deleteMember, sendMessage }) {
      const group = await requireGroup(parts, ctx, groupID);
      requireOwner(await operatorOf(parts, ctx, groupID));
      if (deleteMember) {
        const intent = await memberships.open(ctx, { groupID, contentType: QUIET_DISMISSAL, sendMessage });
        await groups.update(ctx.tenant, groupID, { status: GROUP_STATUS.Dismissed });
        await removeAllMembers(changes, ctx.tenant, groupID);
        await changes.dropVersions(ctx.tenant, groupID);
        memberships.close(ctx, intent);
        return make('group.DismissGroupResp');
      }
      if (group.status === GROUP_STATUS.Dismissed) throw dismissed();
      const ended = { ...group, status: GROUP_STATUS.Dismissed };
      const scene = await notices.dismissalScene(ctx, ended);
      const few = (await members.count(ctx.tenant, groupID)) <= MAX_NAMED;
      const removedUserIDs = few ? await members.userIDs(ctx.tenant, groupID) : [];
      const contentType = CONTENT.GroupDismissed;
      const intent = await memberships.open(ctx, { groupID, contentType, removedUserIDs, sendMessage });
      const updated = await groups.update(ctx.tenant, groupID, { status: GROUP_STATUS.Dismissed });
      if (!updated) {
        memberships.close(ctx, intent);
        throw dismissed();
      }
      // Few are removed before they are told: who then asks for his groups no longer finds this one.
      await (few ? end(ctx, intent, scene) : endLater(ctx, intent, scene));
      return make('group.DismissGroupResp');
    },
  };
}
