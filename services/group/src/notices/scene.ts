import type { CallContext } from '@im/kit';
import { type MessageName, type Messages, SESSION, type sdkws } from '@im/protocol';
import type { NotificationAddress, Notifier } from '@im/rpc';
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

/** Sends to the group. A notification of the system itself comes from the owner: every message has a sender. */
export function toGroup<N extends MessageName>(
  { notifier }: NoticeParts,
  ctx: CallContext,
  scene: Scene,
  contentType: number,
  tipsName: N,
  tips: Messages[N],
  more: Partial<NotificationAddress> = {},
): Promise<void> {
  const { groupID, ownerUserID } = scene.group;
  const sendID = ctx.opUserID !== '' ? ctx.opUserID : ownerUserID !== '' ? ownerUserID : groupID;
  const address = { contentType, sessionType: SESSION.Group, sendID, recvID: groupID, ...more };
  return notifier.send(ctx, address, tipsName, tips);
}
