import { asSystem, type CallContext, detached } from '@im/kit';
import { acceptLoss, callFields } from '@im/process';
import { checkLimits, make } from '@im/protocol';
import { type GroupChanges, INFO_ENTRY, notFound } from '@im/store';
import type { BeforeBody, BeforeReply } from '@im/webhooks';
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

/** A change that is asked for; null leaves a field as it is. */
type GroupChange = BeforeBody['beforeSetGroupInfo'];

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

/** One of the two routes, with its webhooks. */
interface Way {
  readonly before: 'beforeSetGroupInfo' | 'beforeSetGroupInfoEx';
  readonly after: 'afterSetGroupInfo' | 'afterSetGroupInfoEx';
  /** The change as the answer of its webhook has it. */
  replaced(asked: GroupChange, reply: BeforeReply['beforeSetGroupInfo']): GroupChange;
  wanted(change: GroupChange): Wanted;
}

/** Fields that a group has no text for. */
const NUMBERS = ['needVerification', 'lookMemberInfo', 'applyMemberFriend'] as const;

/** What is not null. */
function given(change: Omit<GroupChange, 'groupID'>): Wanted {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== null));
}

const SET_INFO: Way = {
  before: 'beforeSetGroupInfo',
  after: 'afterSetGroupInfo',
  // The name, the picture and the introduction change only if the answer repeats them.
  replaced: (asked, reply) => ({
    ...asked,
    groupID: reply.groupID || asked.groupID,
    groupName: reply.groupName ?? '',
    introduction: reply.introduction ?? '',
    faceURL: reply.faceURL ?? '',
    ex: reply.ex ?? asked.ex,
    ...Object.fromEntries(NUMBERS.map((field) => [field, reply[field] ?? asked[field]])),
  }),
  // Here an empty text leaves the field as it is.
  wanted: ({ groupID, groupName, notification, introduction, faceURL, ...others }) =>
    given({
      ...others,
      groupName: groupName || null,
      notification: notification || null,
      introduction: introduction || null,
      faceURL: faceURL || null,
    }),
};

const SET_INFO_EX: Way = {
  before: 'beforeSetGroupInfoEx',
  after: 'afterSetGroupInfoEx',
  // Everything but the announcement changes only if the answer repeats it.
  replaced: (asked, reply) => ({
    groupID: reply.groupID || asked.groupID,
    groupName: reply.groupName?.trim() ? reply.groupName : null,
    notification: asked.notification,
    introduction: reply.introduction ?? null,
    faceURL: reply.faceURL ?? null,
    ex: reply.ex ?? null,
    needVerification: reply.needVerification ?? null,
    lookMemberInfo: reply.lookMemberInfo ?? null,
    applyMemberFriend: reply.applyMemberFriend ?? null,
  }),
  wanted: ({ groupID, notification, ...others }) =>
    given({ ...others, notification: notification?.trim() ?? null }),
};

/** Changes of name, announcement and settings. */
export function setGroupInfoMethods(deps: GroupDeps): GroupMethods<'setGroupInfo' | 'setGroupInfoEx'> {
  const { groups, changes, notifications, webhooks, rpc, tasks, log } = deps;

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

  /** @throws ImError 1004, 1002, 1204, or 1402 and 1403 for who may not change the group. */
  async function requireMayChange(ctx: CallContext, groupID: string): Promise<void> {
    const operator = await operatorOf(deps, ctx, groupID);
    if (!operator.admin && !operator.member) throw notFound('member');
    requireLeader(operator);
    requireOperatorVoice(operator, await requireLiveGroup(deps, ctx, groupID));
  }

  /** The change as the answer of a webhook has it, checked as the one asked for. */
  async function replacedByHook(ctx: CallContext, way: Way, asked: GroupChange): Promise<GroupChange> {
    const reply = await webhooks.before(ctx, way.before, asked);
    if (!reply) return asked;
    const replaced = way.replaced(asked, reply);
    checkLimits('group.SetGroupInfoExReq', make('group.SetGroupInfoExReq', replaced));
    if (replaced.groupID !== asked.groupID) await requireMayChange(ctx, replaced.groupID);
    return replaced;
  }

  async function change(ctx: CallContext, way: Way, asked: GroupChange): Promise<void> {
    const { groupName, notification, introduction, faceURL, ex } = asked;
    checkGroupTexts({ groupName, notification, introduction, faceURL, ex });
    await requireMayChange(ctx, asked.groupID);
    const replaced = await replacedByHook(ctx, way, asked);
    await apply(ctx, replaced.groupID, way.wanted(replaced));
    await webhooks.after(ctx, way.after, replaced);
  }

  async function apply(ctx: CallContext, groupID: string, fields: Wanted): Promise<void> {
    if (Object.keys(fields).length === 0) return;
    const { notification } = fields;
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
    if (fields.groupName !== undefined) await notifications.nameSet(ctx, group, stamp);
    if (Object.keys(others).length > 0) await notifications.infoSet(ctx, group, stamp);
  }

  return {
    async setGroupInfo(ctx, { groupInfoForSet }) {
      if (!groupInfoForSet) throw notFound('group');
      await change(ctx, SET_INFO, changeOf(groupInfoForSet));
      return make('group.SetGroupInfoResp');
    },
    async setGroupInfoEx(ctx, request) {
      // A request for a blank name changes nothing at all, and succeeds.
      if (request.groupName !== null && request.groupName.trim() === '')
        return make('group.SetGroupInfoExResp');
      await change(ctx, SET_INFO_EX, changeOf(request));
      return make('group.SetGroupInfoExResp');
    },
  };
}

function changeOf(request: GroupChange): GroupChange {
  const { groupID, groupName, notification, introduction, faceURL } = request;
  const { ex, needVerification, lookMemberInfo, applyMemberFriend } = request;
  return {
    groupID,
    groupName,
    notification,
    introduction,
    faceURL,
    ex,
    needVerification,
    lookMemberInfo,
    applyMemberFriend,
  };
}
