import { asSystem, type CallContext, detached } from '@im/kit';
import { acceptLoss, callFields } from '@im/process';
import { make } from '@im/protocol';
import { type GroupChanges, INFO_ENTRY, notFound } from '@im/store';
import type { GroupDeps, GroupMethods } from '../deps.ts';
import { checkGroupTexts } from '../limits.ts';
import {
  dismissed,
  operatorOf,
  requireLeader,
  requireLiveGroup,
  requireOperatorVoice,
} from '../permissions.ts';

/** Mark of a conversation whose group has a new announcement. */
const AT_ANNOUNCEMENT = 4;
/** Time that marking the conversations of all members may take. */
const MARK_MS = 60_000;

/** The fields to change; undefined leaves a field as it is. */
type Wanted = Pick<
  GroupChanges,
  | 'groupName'
  | 'notification'
  | 'introduction'
  | 'faceURL'
  | 'ex'
  | 'needVerification'
  | 'lookMemberInfo'
  | 'applyMemberFriend'
>;

function given(wanted: Wanted): Wanted {
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined));
}

/** Changes of name, announcement and settings. */
export function setGroupInfoMethods(deps: GroupDeps): GroupMethods<'setGroupInfo' | 'setGroupInfoEx'> {
  const { groups, changes, notifications, rpc, tasks, log } = deps;

  /** Every member's conversation shows that there is an announcement. Only a hint, so it happens later. */
  function markConversations(ctx: CallContext, groupID: string): void {
    const request = make('conversation.SetGroupAtTypeReq', {
      groupID,
      groupAtType: AT_ANNOUNCEMENT,
      exceptUserIDs: ctx.opUserID === '' ? [] : [ctx.opUserID],
    });
    tasks.spawn(
      'announcement-marks',
      async () => {
        try {
          await rpc.client('conversation').setGroupAtType(detached(asSystem(ctx), MARK_MS), request);
        } catch (error) {
          log.warn({ ...callFields(ctx), err: error }, 'announcement not marked');
        }
      },
      { onRefused: acceptLoss },
    );
  }

  async function change(ctx: CallContext, groupID: string, wanted: Wanted): Promise<void> {
    const { groupName, notification, introduction, faceURL, ex } = wanted;
    checkGroupTexts({ groupName, notification, introduction, faceURL, ex });
    const operator = await operatorOf(deps, ctx, groupID);
    if (!operator.admin && !operator.member) throw notFound('member');
    requireLeader(operator);
    requireOperatorVoice(operator, await requireLiveGroup(deps, ctx, groupID));
    const fields = given(wanted);
    if (Object.keys(fields).length === 0) return;
    const announcement =
      notification === undefined
        ? {}
        : { notificationUpdateTime: Date.now(), notificationUserID: ctx.opUserID };
    const group = await groups.update(ctx.tenant, groupID, { ...fields, ...announcement });
    if (!group) throw dismissed();
    const stamp = await changes.touch(ctx.tenant, groupID, INFO_ENTRY);

    const { groupName: _name, notification: _notification, ...others } = fields;
    if (notification !== undefined) {
      await notifications.announcementSet(ctx, group, stamp, notification !== '');
      if (notification !== '') markConversations(ctx, groupID);
    }
    if (groupName !== undefined) await notifications.nameSet(ctx, group, stamp);
    if (Object.keys(others).length > 0) await notifications.infoSet(ctx, group, stamp);
  }

  return {
    // Here an empty text leaves the field as it is.
    async setGroupInfo(ctx, { groupInfoForSet }) {
      if (!groupInfoForSet) throw notFound('group');
      const { groupID, groupName, notification, introduction, faceURL } = groupInfoForSet;
      const { ex, needVerification, lookMemberInfo, applyMemberFriend } = groupInfoForSet;
      await change(ctx, groupID, {
        groupName: groupName || undefined,
        notification: notification || undefined,
        introduction: introduction || undefined,
        faceURL: faceURL || undefined,
        ex: ex ?? undefined,
        needVerification: needVerification ?? undefined,
        lookMemberInfo: lookMemberInfo ?? undefined,
        applyMemberFriend: applyMemberFriend ?? undefined,
      });
      return make('group.SetGroupInfoResp');
    },
    async setGroupInfoEx(ctx, req) {
      // A request for a blank name changes nothing at all, and succeeds.
      if (req.groupName !== null && req.groupName.trim() === '') return make('group.SetGroupInfoExResp');
      await change(ctx, req.groupID, {
        groupName: req.groupName ?? undefined,
        notification: req.notification?.trim(),
        introduction: req.introduction ?? undefined,
        faceURL: req.faceURL ?? undefined,
        ex: req.ex ?? undefined,
        needVerification: req.needVerification ?? undefined,
        lookMemberInfo: req.lookMemberInfo ?? undefined,
        applyMemberFriend: req.applyMemberFriend ?? undefined,
      });
      return make('group.SetGroupInfoExResp');
    },
  };
}
