import type { CallContext } from '@im/kit';
import { CONTENT, make } from '@im/protocol';
import type { Group, VersionStamp } from '@im/store';
import { type NoticeParts, sceneOf, toGroup, versionOf } from './scene.ts';

/** Notifications about the group itself: 1502, 1514, 1515, 1519, 1520. */
export function infoNotices(parts: NoticeParts) {
  return {
    /** 1519 as a message of the chat, or only as a notification. */
    async announcementSet(ctx: CallContext, group: Group, stamp: VersionStamp, sendMessage: boolean) {
      const scene = await sceneOf(parts, ctx, group);
      const tips = make('sdkws.GroupInfoSetAnnouncementTips', { ...scene, ...versionOf(stamp) });
      const name = 'sdkws.GroupInfoSetAnnouncementTips';
      await toGroup(parts, ctx, scene, CONTENT.GroupInfoSetAnnouncement, name, tips, { sendMessage });
    },
    /** 1520. */
    async nameSet(ctx: CallContext, group: Group, stamp: VersionStamp) {
      const scene = await sceneOf(parts, ctx, group);
      const tips = make('sdkws.GroupInfoSetNameTips', { ...scene, ...versionOf(stamp) });
      await toGroup(parts, ctx, scene, CONTENT.GroupInfoSetName, 'sdkws.GroupInfoSetNameTips', tips);
    },
    /** 1502. */
    async infoSet(ctx: CallContext, group: Group, stamp: VersionStamp) {
      const scene = await sceneOf(parts, ctx, group);
      const tips = make('sdkws.GroupInfoSetTips', { ...scene, ...versionOf(stamp) });
      const { nickname: senderNickname, faceURL: senderFaceURL } = scene.opUser;
      await toGroup(parts, ctx, scene, CONTENT.GroupInfoSet, 'sdkws.GroupInfoSetTips', tips, {
        senderNickname,
        senderFaceURL,
      });
    },
    /** 1514. */
    async groupMuted(ctx: CallContext, group: Group, stamp: VersionStamp) {
      const scene = await sceneOf(parts, ctx, group);
      const tips = make('sdkws.GroupMutedTips', { ...scene, ...versionOf(stamp) });
      await toGroup(parts, ctx, scene, CONTENT.GroupMuted, 'sdkws.GroupMutedTips', tips);
    },
    /** 1515. */
    async groupUnmuted(ctx: CallContext, group: Group, stamp: VersionStamp) {
      const scene = await sceneOf(parts, ctx, group);
      const tips = make('sdkws.GroupCancelMutedTips', { ...scene, ...versionOf(stamp) });
      await toGroup(parts, ctx, scene, CONTENT.GroupCancelMuted, 'sdkws.GroupCancelMutedTips', tips);
    },
    /** The picture for {@link groupDismissed}, taken while there are members. */
    dismissalScene: (ctx: CallContext, group: Group) => sceneOf(parts, ctx, group),
  };
}
