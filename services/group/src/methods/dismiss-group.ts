import type { CallContext } from '@im/kit';
import { callFields } from '@im/process';
import { CONTENT, GROUP_STATUS, make } from '@im/protocol';
import type { Group, MembershipIntent } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { QUIET_DISMISSAL, removeAllMembers } from '../membership/dismissal.ts';
import type { GroupSnapshot } from '../notifications/send.ts';
import { dismissed, operatorOf, requireGroup, requireOwner } from '../permissions.ts';
import { groupTypeText, reportsOf } from '../webhooks.ts';

/**
 * Members who are named in the notification and leave at its place in the message log. In a larger group none is
 * named: no message follows the last one, so no member's view has to be ended.
 */
const MAX_NAMED = 1_000;
/** Most members in a webhook's report of it: more would not fit a delivery. */
const MAX_REPORTED = 10_000;

/** The end of a group; its row and messages stay. */
export function dismissGroupMethods(deps: GroupDeps): GroupMethods<'dismissGroup'> {
  const { groups, members, changes, memberships, notifications, webhooks, views, tasks, log } = deps;

  /** Removes all members, ends their versions and notifies the group; after a crash the relay does the rest. */
  async function end(
    ctx: CallContext,
    intent: MembershipIntent,
    snapshot: GroupSnapshot,
    signal?: AbortSignal,
  ) {
    const { groupID, removedUserIDs: removed } = intent;
    await removeAllMembers(changes, ctx.tenant, groupID, signal);
    const version = await changes.endVersions(ctx.tenant, groupID);
    const outcome = { ...version, added: [], removed };
    const appended = await memberships.append(ctx, intent, outcome, (record) =>
      notifications.groupDismissed(ctx, snapshot, record),
    );
    if (!appended) return;
    await changes.dropVersions(ctx.tenant, groupID);
    memberships.close(ctx, intent);
  }

  /** Notifies the group at once, and removes the members in the background. */
  async function endLater(
    ctx: CallContext,
    intent: MembershipIntent,
    snapshot: GroupSnapshot,
  ): Promise<void> {
    const { tenant } = ctx;
    const { groupID } = intent;
    const version = await changes.endVersions(tenant, groupID);
    const appended = await memberships.append(ctx, intent, { ...version, added: [], removed: [] }, (record) =>
      notifications.groupDismissed(ctx, snapshot, record),
    );
    const removeRest = async (signal: AbortSignal) => {
      await removeAllMembers(changes, tenant, groupID, signal);
      if (signal.aborted || !appended) return;
      await changes.dropVersions(tenant, groupID);
      memberships.close(ctx, intent);
      log.info(callFields(ctx), 'members of a dismissed group removed');
    };
    tasks.spawn('dismissed-members', removeRest, {
      onRefused: () => log.warn(callFields(ctx), 'members of a dismissed group are left to the relay'),
    });
  }

  /** @param known the members, if they have been read already. */
  async function dismissalReports(ctx: CallContext, group: Group, known?: readonly string[]) {
    const { groupID, groupType } = group;
    if (!webhooks.enabled(ctx, 'afterDismissGroup')) return [];
    const userIDs = known ?? (await members.userIDs(ctx.tenant, groupID));
    const { ownerUserID } = await views.group(ctx.tenant, group);
    return reportsOf(webhooks, ctx, 'afterDismissGroup', () => ({
      groupID,
      ownerID: ownerUserID,
      groupType: groupTypeText(groupType),
      membersID: userIDs.slice(0, MAX_REPORTED),
    }));
  }

  return {
    async dismissGroup(ctx, { groupID, deleteMember, sendMessage }) {
      const group = await requireGroup(deps, ctx, groupID);
      requireOwner(await operatorOf(deps, ctx, groupID));
      if (deleteMember) {
        const intent = await memberships.open(ctx, {
          groupID,
          contentType: QUIET_DISMISSAL,
          sendMessage,
          reports: await dismissalReports(ctx, group),
        });
        await groups.update(ctx.tenant, groupID, { status: GROUP_STATUS.Dismissed });
        await removeAllMembers(changes, ctx.tenant, groupID);
        await changes.dropVersions(ctx.tenant, groupID);
        memberships.close(ctx, intent);
        return make('group.DismissGroupResp');
      }
      if (group.status === GROUP_STATUS.Dismissed) throw dismissed();
      const ended = { ...group, status: GROUP_STATUS.Dismissed };
      const snapshot = await notifications.groupSnapshot(ctx, ended);
      const few = (await members.count(ctx.tenant, groupID)) <= MAX_NAMED;
      const removedUserIDs = few ? await members.userIDs(ctx.tenant, groupID) : [];
      const contentType = CONTENT.GroupDismissed;
      const reports = await dismissalReports(ctx, group, few ? removedUserIDs : undefined);
      const intent = await memberships.open(ctx, {
        groupID,
        contentType,
        removedUserIDs,
        sendMessage,
        reports,
      });
      const updated = await groups.update(ctx.tenant, groupID, { status: GROUP_STATUS.Dismissed });
      if (!updated) {
        memberships.discard(ctx, intent);
        throw dismissed();
      }
      // Few are removed before they are notified: a client that then lists its groups no longer finds this one.
      await (few ? end(ctx, intent, snapshot) : endLater(ctx, intent, snapshot));
      return make('group.DismissGroupResp');
    },
  };
}
