import type { NotificationAddress, Notifier } from '@im/domain';
import type { CallContext } from '@im/kit';
import { type MessageName, type Messages, SESSION, type sdkws } from '@im/protocol';
import type { Group, GroupMember, VersionStamp } from '@im/store';
import type { Views } from '../views.ts';

/** What notices are made of. */
export interface NoticeParts {
  readonly notifier: Notifier;
  readonly views: Views;
}

/** What most tips begin with: the group and who changed it. */
export interface Scene {
  readonly group: sdkws.GroupInfo;
  readonly opUser: sdkws.GroupMemberFullInfo;
}

/** What a notification's address is made of. */
export interface SceneGroup {
  readonly group: Pick<sdkws.GroupInfo, 'groupID' | 'ownerUserID'>;
}

/** Takes the picture of a group. Somebody who just left is no longer found as a member: `was` shows him as he was. */
export async function sceneOf(
  { views }: NoticeParts,
  ctx: CallContext,
  group: Group,
  was?: GroupMember,
): Promise<Scene> {
  const [info, opUser] = await Promise.all([
    views.group(ctx.tenant, group),
    was?.userID === ctx.opUserID ? views.member(ctx.tenant, was) : views.operator(ctx, group.groupID),
  ]);
  return { group: info, opUser };
}

/** The version that a request wrote, as tips carry it. */
export function versionOf(stamp: VersionStamp) {
  return { groupMemberVersion: stamp.version, groupMemberVersionID: stamp.versionID };
}

/** What the log is to know of a change of membership. */
export interface MembershipRecord {
  /** Names the change. */
  readonly id: string;
  readonly stamp: VersionStamp;
  /** Version of the change before it. */
  readonly before: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** The caller's wish whether it is also a message of the chat. */
  readonly sendMessage: boolean | null;
}

/** Appends a change of membership to the log. @throws ImError when the log has not taken it in time. */
export function toMembers<N extends MessageName>(
  { notifier }: NoticeParts,
  ctx: CallContext,
  scene: SceneGroup,
  contentType: number,
  tipsName: N,
  tips: Messages[N],
  record: MembershipRecord,
): Promise<void> {
  const address: NotificationAddress = {
    ...addressOf(ctx, scene, contentType),
    sendMessage: record.sendMessage,
    addedUserIDs: [...record.added],
    removedUserIDs: [...record.removed],
    memberVersion: record.stamp.version,
    memberVersionBefore: record.before,
    changeID: record.id,
  };
  return notifier.append(ctx, address, tipsName, tips);
}

/** Sends to the group. A notification of the system itself comes from the owner: every message has a sender. */
export function toGroup<N extends MessageName>(
  { notifier }: NoticeParts,
  ctx: CallContext,
  scene: SceneGroup,
  contentType: number,
  tipsName: N,
  tips: Messages[N],
  more: Partial<NotificationAddress> = {},
): Promise<void> {
  return notifier.send(ctx, { ...addressOf(ctx, scene, contentType), ...more }, tipsName, tips);
}

/** As {@link toGroup} for a change that its caller tells until the log has it. @throws ImError when it has not in time. */
export function toGroupSurely<N extends MessageName>(
  { notifier }: NoticeParts,
  ctx: CallContext,
  scene: SceneGroup,
  contentType: number,
  tipsName: N,
  tips: Messages[N],
  changeID: string,
): Promise<void> {
  return notifier.append(ctx, { ...addressOf(ctx, scene, contentType), changeID }, tipsName, tips);
}

function addressOf(ctx: CallContext, { group }: SceneGroup, contentType: number) {
  const { groupID, ownerUserID } = group;
  const sendID = ctx.opUserID !== '' ? ctx.opUserID : ownerUserID !== '' ? ownerUserID : groupID;
  return { contentType, sessionType: SESSION.Group, sendID, recvID: groupID };
}
