import type { AfterEvent } from '@im/contract';
import type { CallContext } from '@im/kit';
import { argsError, checkLimits, make, ROLE, SESSION, type sdkws } from '@im/protocol';
import type { ChangeReport, Group, GroupMember, InitialSettings } from '@im/store';
import { type AfterBody, type BeforeReply, changesOf, type Webhooks } from '@im/webhooks';
import { checkMemberTexts } from './limits.ts';
import type { WantedChange } from './membership/membership-changes.ts';

/** A type of groups as webhooks name it: one character, whose code point is the number. */
export const groupTypeText = (groupType: number): string => String.fromCodePoint(groupType);

/** What a webhook will report of a change, for its intent; nothing while the event is off. */
export function reportsOf<E extends AfterEvent>(
  webhooks: Pick<Webhooks, 'enabled'>,
  ctx: CallContext,
  event: E,
  body: () => AfterBody[E],
): readonly ChangeReport[] {
  return webhooks.enabled(ctx, event) ? [{ event, body: { ...(body() as object) } }] : [];
}

/** Users by their roles in a new group. */
export interface Roles {
  readonly ownerUserID: string;
  readonly adminUserIDs: readonly string[];
  readonly memberUserIDs: readonly string[];
}

/** All users of a new group, the owner first. */
export function usersOf({ ownerUserID, adminUserIDs, memberUserIDs }: Roles): string[] {
  return [ownerUserID, ...adminUserIDs, ...memberUserIDs];
}

function withRole(userIDs: readonly string[], roleLevel: number) {
  return userIDs.map((userID) => ({ userID, roleLevel }));
}

function infoFields(info: sdkws.GroupInfo, roles: Roles) {
  return {
    groupID: info.groupID,
    groupName: info.groupName,
    notification: info.notification,
    introduction: info.introduction,
    faceURL: info.faceURL,
    ownerUserID: roles.ownerUserID,
    createTime: info.createTime,
    memberCount: usersOf(roles).length,
    ex: info.ex,
    status: info.status,
    creatorUserID: info.creatorUserID,
    groupType: info.groupType,
    needVerification: info.needVerification,
    lookMemberInfo: info.lookMemberInfo,
    applyMemberFriend: info.applyMemberFriend,
    notificationUpdateTime: info.notificationUpdateTime,
    notificationUserID: info.notificationUserID,
  };
}

/** The body of beforeCreateGroup. */
export function newGroupBody(info: sdkws.GroupInfo, roles: Roles) {
  return {
    ...infoFields(info, roles),
    initMemberList: [
      ...withRole([roles.ownerUserID], ROLE.Owner),
      ...withRole(roles.adminUserIDs, ROLE.Admin),
      ...withRole(roles.memberUserIDs, ROLE.Member),
    ],
  };
}

/** The body of afterCreateGroup: after owner and admins come all users once more, as plain members. */
export function createdGroupBody(group: Group, roles: Roles) {
  return {
    ...infoFields(make('sdkws.GroupInfo', group), roles),
    initMemberList: [
      ...withRole([roles.ownerUserID], ROLE.Owner),
      ...withRole(roles.adminUserIDs, ROLE.Admin),
      ...withRole(usersOf(roles), ROLE.Member),
    ],
  };
}

/** A group to be made, and its users. */
export interface NewGroup {
  readonly info: sdkws.GroupInfo;
  readonly roles: Roles;
}

/**
 * The new group as the answer to beforeCreateGroup has it. A new owner takes the place of the one asked for, and has no
 * other role. What groups may be is checked by the caller.
 * @throws ImError 1001 for a text that is too long.
 */
export function replacedGroup({ info, roles }: NewGroup, reply: BeforeReply['beforeCreateGroup']): NewGroup {
  const { ownerUserID = roles.ownerUserID, ...fields } = changesOf(reply);
  const replaced = make('sdkws.GroupInfo', { ...info, ...fields });
  checkLimits('sdkws.GroupInfo', replaced);
  if (ownerUserID === roles.ownerUserID) return { info: replaced, roles };
  const others = (ids: readonly string[]) => ids.filter((id) => id !== ownerUserID);
  return {
    info: replaced,
    roles: {
      ownerUserID,
      adminUserIDs: others(roles.adminUserIDs),
      memberUserIDs: others(roles.memberUserIDs),
    },
  };
}

/** Users who are about to become members. */
export interface Entrants extends Pick<WantedChange, 'newConversation'> {
  readonly members: readonly GroupMember[];
  /** What is reported of their conversation records. */
  readonly reports: readonly ChangeReport[];
}

/**
 * Asks about users who are about to become members, and about their records of the group's conversation.
 * @returns them as the answers have them; a group keeps its one owner.
 * @throws the refusal; ImError 1001 for what a member cannot be.
 */
export async function askAboutEntrants(
  webhooks: Pick<Webhooks, 'enabled' | 'before'>,
  ctx: CallContext,
  group: Pick<Group, 'groupID' | 'ex'>,
  members: readonly GroupMember[],
): Promise<Entrants> {
  const { groupID, ex: groupEx } = group;
  let entrants = members;
  if (webhooks.enabled(ctx, 'beforeMemberJoinGroup')) {
    const memberList = members.map(({ userID, ex }) => ({ userID, ex }));
    const reply = await webhooks.before(ctx, 'beforeMemberJoinGroup', { groupID, memberList, groupEx });
    entrants = withOverrides(members, reply?.memberCallbackList ?? []);
  }
  return { members: entrants, ...(await askAboutConversation(webhooks, ctx, groupID)) };
}

const USUAL: InitialSettings = {
  recvMsgOpt: 0,
  isPinned: false,
  isPrivateChat: false,
  burnDuration: 0,
  groupAtType: 0,
  attachedInfo: '',
  ex: '',
};

async function askAboutConversation(
  webhooks: Pick<Webhooks, 'enabled' | 'before'>,
  ctx: CallContext,
  groupID: string,
): Promise<Omit<Entrants, 'members'>> {
  const bodyOf = (settings: InitialSettings) => ({
    ownerUserId: '',
    conversationId: `sg_${groupID}`,
    conversationType: SESSION.Group,
    groupId: groupID,
    ...settings,
  });
  const reply = webhooks.enabled(ctx, 'beforeCreateGroupChatConversations')
    ? await webhooks.before(ctx, 'beforeCreateGroupChatConversations', bodyOf(USUAL))
    : undefined;
  const changed = changesOf(reply ?? {});
  const newConversation = { ...USUAL, ...changed };
  return {
    reports: reportsOf(webhooks, ctx, 'afterCreateGroupChatConversations', () => bodyOf(newConversation)),
    ...(Object.keys(changed).length > 0 && { newConversation }),
  };
}

type Override = NonNullable<BeforeReply['beforeMemberJoinGroup']['memberCallbackList']>[number];

/** Members with what an answer says of them. @throws ImError 1001 for what a member cannot be. */
export function withOverrides(
  members: readonly GroupMember[],
  overrides: readonly Override[],
): readonly GroupMember[] {
  if (overrides.length === 0) return members;
  const byID = new Map(overrides.map((override) => [override.userID, override]));
  return members.map((member) => {
    const override = byID.get(member.userID);
    if (!override) return member;
    const changed: GroupMember = { ...member, ...changesOf(override) };
    checkMemberTexts({ nickname: changed.nickname, faceURL: changed.faceURL, ex: changed.ex });
    requireRole(member, changed.roleLevel);
    if (changed.muteEndTime < 0) throw badOverride(member, 'muteEndTime must not be negative');
    return changed;
  });
}

function badOverride({ userID }: GroupMember, problem: string) {
  return argsError(`the answer of webhook beforeMemberJoinGroup on ${userID}: ${problem}`);
}

function requireRole(member: GroupMember, roleLevel: number): void {
  if (roleLevel === member.roleLevel) return;
  if (member.roleLevel === ROLE.Owner) throw badOverride(member, 'the owner keeps their role');
  if (roleLevel !== ROLE.Admin && roleLevel !== ROLE.Member) {
    throw badOverride(member, 'roleLevel must be 60 or 20');
  }
}
