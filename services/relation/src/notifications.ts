import type { NotificationAddress, Notifier, Reach } from '@im/domain';
import type { CallContext } from '@im/kit';
import { CONTENT, make, SESSION, type sdkws } from '@im/protocol';
import type { VersionStamp } from '@im/store';

function single(contentType: number, sendID: string, recvID: string): NotificationAddress {
  return { contentType, sessionType: SESSION.Single, sendID, recvID };
}
const pair = (fromUserID: string, toUserID: string) => make('sdkws.FromToUserID', { fromUserID, toUserID });
const versionOf = (stamp: VersionStamp) => ({
  friendVersion: stamp.version,
  friendVersionID: stamp.versionID,
});

/** The notifications of the relation domain, docs/protocol/notifications.md. None of them rejects. */
export function relationNotifications(notifier: Notifier, reach: Reach) {
  /**
   * A change of the owner's list goes to the peer as well, if a message of the owner would reach them, else to the
   * owner's devices alone. The change has been made, so when this cannot be found out it goes to the owner's.
   */
  async function toPeer(
    ctx: CallContext,
    contentType: number,
    ownerUserID: string,
    peerID: string,
  ): Promise<NotificationAddress> {
    const [reached] = await reach.filter(ctx, ownerUserID, [peerID]).catch(() => []);
    return single(contentType, ownerUserID, reached ?? ownerUserID);
  }

  return {
    applied: (ctx: CallContext, request: sdkws.FriendRequest) =>
      notifier.send(
        ctx,
        single(CONTENT.FriendApplication, request.fromUserID, request.toUserID),
        'sdkws.FriendApplicationTips',
        make('sdkws.FriendApplicationTips', {
          fromToUserID: pair(request.fromUserID, request.toUserID),
          request,
        }),
      ),
    /** To the applicant. @param request null for imported friends. */
    approved: (
      ctx: CallContext,
      applicantID: string,
      accepterID: string,
      handleMsg: string,
      request: sdkws.FriendRequest | null,
    ) =>
      notifier.send(
        ctx,
        single(CONTENT.FriendApplicationApproved, accepterID, applicantID),
        'sdkws.FriendApplicationApprovedTips',
        make('sdkws.FriendApplicationApprovedTips', {
          fromToUserID: pair(applicantID, accepterID),
          handleMsg,
          request,
        }),
      ),
    /** To the applicant. */
    rejected: (ctx: CallContext, request: sdkws.FriendRequest, handleMsg: string) =>
      notifier.send(
        ctx,
        single(CONTENT.FriendApplicationRejected, request.toUserID, request.fromUserID),
        'sdkws.FriendApplicationRejectedTips',
        make('sdkws.FriendApplicationRejectedTips', {
          fromToUserID: pair(request.fromUserID, request.toUserID),
          handleMsg,
          request,
        }),
      ),
    deleted: async (ctx: CallContext, ownerUserID: string, friendUserID: string, stamp: VersionStamp) =>
      notifier.send(
        ctx,
        await toPeer(ctx, CONTENT.FriendDeleted, ownerUserID, friendUserID),
        'sdkws.FriendDeletedTips',
        make('sdkws.FriendDeletedTips', {
          fromToUserID: pair(ownerUserID, friendUserID),
          ...versionOf(stamp),
        }),
      ),
    remarkSet: async (ctx: CallContext, ownerUserID: string, friendUserID: string, stamp: VersionStamp) =>
      notifier.send(
        ctx,
        await toPeer(ctx, CONTENT.FriendRemarkSet, ownerUserID, friendUserID),
        'sdkws.FriendInfoChangedTips',
        make('sdkws.FriendInfoChangedTips', {
          fromToUserID: pair(ownerUserID, friendUserID),
          ...versionOf(stamp),
        }),
      ),
    /** To the owner's devices. */
    friendsUpdated: (
      ctx: CallContext,
      ownerUserID: string,
      friendIDs: readonly string[],
      stamp: VersionStamp,
    ) =>
      notifier.send(
        ctx,
        single(CONTENT.FriendsInfoUpdate, ownerUserID, ownerUserID),
        'sdkws.FriendsInfoUpdateTips',
        make('sdkws.FriendsInfoUpdateTips', {
          fromToUserID: pair('', ownerUserID),
          friendIDs: [...friendIDs],
          ...versionOf(stamp),
        }),
      ),
    /** The profile of a friend changed. */
    profileChanged: (ctx: CallContext, changedUserID: string, friendUserID: string) =>
      notifier.send(
        ctx,
        single(CONTENT.FriendInfoUpdated, ctx.opUserID === '' ? changedUserID : ctx.opUserID, friendUserID),
        'sdkws.UserInfoUpdatedTips',
        make('sdkws.UserInfoUpdatedTips', { userID: changedUserID }),
      ),
    blackAdded: async (ctx: CallContext, ownerUserID: string, blackUserID: string) =>
      notifier.send(
        ctx,
        await toPeer(ctx, CONTENT.BlackAdded, ownerUserID, blackUserID),
        'sdkws.BlackAddedTips',
        make('sdkws.BlackAddedTips', { fromToUserID: pair(ownerUserID, blackUserID) }),
      ),
    blackDeleted: async (ctx: CallContext, ownerUserID: string, blackUserID: string) =>
      notifier.send(
        ctx,
        await toPeer(ctx, CONTENT.BlackDeleted, ownerUserID, blackUserID),
        'sdkws.BlackDeletedTips',
        make('sdkws.BlackDeletedTips', { fromToUserID: pair(ownerUserID, blackUserID) }),
      ),
  };
}

/** What {@link relationNotifications} makes. */
export type RelationNotifications = ReturnType<typeof relationNotifications>;
