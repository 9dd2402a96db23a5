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
export function relationNotices(notifier: Notifier, reach: Reach) {
  /**
   * What owners did to their own list is told to the peer as well, where a message of theirs would land, else to their
   * own devices alone. The change is made by then, so a failure to find out counts as a no.
   */
  async function ofList(
    ctx: CallContext,
    contentType: number,
    ownerUserID: string,
    peerID: string,
  ): Promise<NotificationAddress> {
    const [reached] = await reach.filter(ctx, ownerUserID, [peerID]).catch(() => []);
    return single(contentType, ownerUserID, reached ?? ownerUserID);
  }

  return {
    /** 1203: somebody wants to be a friend. */
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
    /** 1201 to the applicant; without a request for imported friends. */
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
    /** 1202 to the applicant. */
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
    /** 1205. */
    deleted: async (ctx: CallContext, ownerUserID: string, friendUserID: string, stamp: VersionStamp) =>
      notifier.send(
        ctx,
        await ofList(ctx, CONTENT.FriendDeleted, ownerUserID, friendUserID),
        'sdkws.FriendDeletedTips',
        make('sdkws.FriendDeletedTips', {
          fromToUserID: pair(ownerUserID, friendUserID),
          ...versionOf(stamp),
        }),
      ),
    /** 1206. */
    remarkSet: async (ctx: CallContext, ownerUserID: string, friendUserID: string, stamp: VersionStamp) =>
      notifier.send(
        ctx,
        await ofList(ctx, CONTENT.FriendRemarkSet, ownerUserID, friendUserID),
        'sdkws.FriendInfoChangedTips',
        make('sdkws.FriendInfoChangedTips', {
          fromToUserID: pair(ownerUserID, friendUserID),
          ...versionOf(stamp),
        }),
      ),
    /** 1210 to the owner's devices. */
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
    /** 1209: the profile of a friend changed. */
    profileChanged: (ctx: CallContext, changedUserID: string, friendUserID: string) =>
      notifier.send(
        ctx,
        single(CONTENT.FriendInfoUpdated, ctx.opUserID === '' ? changedUserID : ctx.opUserID, friendUserID),
        'sdkws.UserInfoUpdatedTips',
        make('sdkws.UserInfoUpdatedTips', { userID: changedUserID }),
      ),
    /** 1207. */
    blackAdded: async (ctx: CallContext, ownerUserID: string, blackUserID: string) =>
      notifier.send(
        ctx,
        await ofList(ctx, CONTENT.BlackAdded, ownerUserID, blackUserID),
        'sdkws.BlackAddedTips',
        make('sdkws.BlackAddedTips', { fromToUserID: pair(ownerUserID, blackUserID) }),
      ),
    /** 1208. */
    blackDeleted: async (ctx: CallContext, ownerUserID: string, blackUserID: string) =>
      notifier.send(
        ctx,
        await ofList(ctx, CONTENT.BlackDeleted, ownerUserID, blackUserID),
        'sdkws.BlackDeletedTips',
        make('sdkws.BlackDeletedTips', { fromToUserID: pair(ownerUserID, blackUserID) }),
      ),
  };
}
