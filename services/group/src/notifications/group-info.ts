import type { CallContext } from '@im/kit';
import { CONTENT, make } from '@im/protocol';
import type { Group, VersionStamp } from '@im/store';
import { type NotificationDeps, snapshotOf, toGroup, versionOf } from './send.ts';

/** Notifications about the group itself. */
export function groupInfoNotifications(deps: NotificationDeps) {
  return {
    /** @param sendMessage whether the announcement is also a message of the chat. */
    async announcementSet(ctx: CallContext, group: Group, stamp: VersionStamp, sendMessage: boolean) {
      const snapshot = await snapshotOf(deps, ctx, group);
      const tips = make('sdkws.GroupInfoSetAnnouncementTips', { ...snapshot, ...versionOf(stamp) });
      const name = 'sdkws.GroupInfoSetAnnouncementTips';
      await toGroup(deps, ctx, snapshot, CONTENT.GroupInfoSetAnnouncement, name, tips, { sendMessage });
    },
    async nameSet(ctx: CallContext, group: Group, stamp: VersionStamp) {
      const snapshot = await snapshotOf(deps, ctx, group);
      const tips = make('sdkws.GroupInfoSetNameTips', { ...snapshot, ...versionOf(stamp) });
      await toGroup(deps, ctx, snapshot, CONTENT.GroupInfoSetName, 'sdkws.GroupInfoSetNameTips', tips);
    },
    async infoSet(ctx: CallContext, group: Group, stamp: VersionStamp) {
      const snapshot = await snapshotOf(deps, ctx, group);
      const tips = make('sdkws.GroupInfoSetTips', { ...snapshot, ...versionOf(stamp) });
      const { nickname: senderNickname, faceURL: senderFaceURL } = snapshot.opUser;
      await toGroup(deps, ctx, snapshot, CONTENT.GroupInfoSet, 'sdkws.GroupInfoSetTips', tips, {
        senderNickname,
        senderFaceURL,
      });
    },
    async groupMuted(ctx: CallContext, group: Group, stamp: VersionStamp) {
      const snapshot = await snapshotOf(deps, ctx, group);
      const tips = make('sdkws.GroupMutedTips', { ...snapshot, ...versionOf(stamp) });
      await toGroup(deps, ctx, snapshot, CONTENT.GroupMuted, 'sdkws.GroupMutedTips', tips);
    },
    async groupUnmuted(ctx: CallContext, group: Group, stamp: VersionStamp) {
      const snapshot = await snapshotOf(deps, ctx, group);
      const tips = make('sdkws.GroupCancelMutedTips', { ...snapshot, ...versionOf(stamp) });
      await toGroup(deps, ctx, snapshot, CONTENT.GroupCancelMuted, 'sdkws.GroupCancelMutedTips', tips);
    },
    /** For `groupDismissed`, taken while there are members. */
    groupSnapshot: (ctx: CallContext, group: Group) => snapshotOf(deps, ctx, group),
  };
}
