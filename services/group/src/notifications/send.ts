import type { NotificationAddress, Notifier } from '@im/domain';
import type { CallContext } from '@im/kit';
import { type MessageName, type Messages, SESSION, type sdkws } from '@im/protocol';
import type { Group, GroupMember, InitialSettings, VersionStamp } from '@im/store';
import type { Views } from '../views.ts';

/** What notifications are rendered with, and sent by. */
export interface NotificationDeps {
  readonly notifier: Notifier;
  readonly views: Views;
}

/** What most tips begin with: the group and the user who changed it. */
export interface GroupSnapshot {
  readonly group: sdkws.GroupInfo;
  readonly opUser: sdkws.GroupMemberFullInfo;
}

/** What the address of a notification is derived from. */
export interface AddressedGroup {
  readonly group: Pick<sdkws.GroupInfo, 'groupID' | 'ownerUserID'>;
}

/**
 * The group and the caller as they are now.
 * @param former the caller as a member, when they have just left.
 */
export async function snapshotOf(
  { views }: NotificationDeps,
  ctx: CallContext,
  group: Group,
  former?: GroupMember,
): Promise<GroupSnapshot> {
  const [info, opUser] = await Promise.all([
    views.group(ctx.tenant, group),
    former?.userID === ctx.opUserID ? views.member(ctx.tenant, former) : views.operator(ctx, group.groupID),
  ]);
  return { group: info, opUser };
}

/** The version that a request wrote, as tips carry it. */
export function versionOf(stamp: VersionStamp) {
  return { groupMemberVersion: stamp.version, groupMemberVersionID: stamp.versionID };
}

/** What the message log records of a change of membership. */
export interface MembershipRecord {
  /** Id of the change. */
  readonly id: string;
  readonly stamp: VersionStamp;
  /** Version of the change before it. */
  readonly before: number;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Whether it is also a message of the chat, if the caller says so. */
  readonly sendMessage: boolean | null;
  /** Settings of the conversation records of those added. @default those of every record */
  readonly newConversation?: InitialSettings;
}

/** Appends a change of membership to the log. @throws ImError when the log has not taken it in time. */
export function appendMembership<N extends MessageName>(
  { notifier }: NotificationDeps,
  ctx: CallContext,
  snapshot: AddressedGroup,
  contentType: number,
  tipsName: N,
  tips: Messages[N],
  record: MembershipRecord,
): Promise<void> {
  const address: NotificationAddress = {
    ...addressOf(ctx, snapshot, contentType),
    sendMessage: record.sendMessage,
    addedUserIDs: [...record.added],
    removedUserIDs: [...record.removed],
    memberVersion: record.stamp.version,
    memberVersionBefore: record.before,
    changeID: record.id,
    newConversation: record.newConversation ?? null,
  };
  return notifier.append(ctx, address, tipsName, tips);
}

/** Sends to the group. A notification of the system itself comes from the owner: every message has a sender. */
export function toGroup<N extends MessageName>(
  { notifier }: NotificationDeps,
  ctx: CallContext,
  snapshot: AddressedGroup,
  contentType: number,
  tipsName: N,
  tips: Messages[N],
  more: Partial<NotificationAddress> = {},
): Promise<void> {
  return notifier.send(ctx, { ...addressOf(ctx, snapshot, contentType), ...more }, tipsName, tips);
}

/** As {@link toGroup}, for a change whose notification must not be lost. @throws ImError when the log has not taken it in time. */
export function appendToGroup<N extends MessageName>(
  { notifier }: NotificationDeps,
  ctx: CallContext,
  snapshot: AddressedGroup,
  contentType: number,
  tipsName: N,
  tips: Messages[N],
  changeID: string,
): Promise<void> {
  return notifier.append(ctx, { ...addressOf(ctx, snapshot, contentType), changeID }, tipsName, tips);
}

function addressOf(ctx: CallContext, { group }: AddressedGroup, contentType: number) {
  const { groupID, ownerUserID } = group;
  const sendID = ctx.opUserID !== '' ? ctx.opUserID : ownerUserID !== '' ? ownerUserID : groupID;
  return { contentType, sessionType: SESSION.Group, sendID, recvID: groupID };
}
