import { make, type sdkws } from '@im/protocol';
import type { Black, Friend, FriendRequest } from '@im/store';

/** Profiles by user id. */
export type Profiles = ReadonlyMap<string, sdkws.UserInfo>;

/** Most answers give the creation times of friends and blacklist entries in seconds, a few in ms. */
export type TimeUnit = 'seconds' | 'ms';

function inUnit(time: number, unit: TimeUnit): number {
  return unit === 'ms' ? time : Math.floor(time / 1_000);
}

/** The part of a profile that others see; of a user who no longer exists, the id alone. */
function publicProfile(userID: string, profiles: Profiles) {
  const profile = profiles.get(userID);
  return {
    userID,
    nickname: profile?.nickname ?? '',
    faceURL: profile?.faceURL ?? '',
    ex: profile?.ex ?? '',
  };
}

/** A friend with their profile, or without one when no profiles are given. */
export function friendInfo(friend: Friend, unit: TimeUnit, profiles?: Profiles): sdkws.FriendInfo {
  return make('sdkws.FriendInfo', {
    ownerUserID: friend.ownerUserID,
    remark: friend.remark,
    createTime: inUnit(friend.createTime, unit),
    friendUser: profiles ? make('sdkws.UserInfo', publicProfile(friend.friendUserID, profiles)) : null,
    addSource: friend.addSource,
    operatorUserID: friend.operatorUserID,
    ex: friend.ex,
    isPinned: friend.isPinned,
  });
}

/** An entry of a blacklist with the blocked user's profile, or without one when no profiles are given. */
export function blackInfo(black: Black, unit: TimeUnit, profiles?: Profiles): sdkws.BlackInfo {
  return make('sdkws.BlackInfo', {
    ownerUserID: black.ownerUserID,
    createTime: inUnit(black.createTime, unit),
    blackUserInfo: profiles ? make('sdkws.PublicUserInfo', publicProfile(black.blackUserID, profiles)) : null,
    addSource: black.addSource,
    operatorUserID: black.operatorUserID,
    ex: black.ex,
  });
}

/** A request with the names and faces of both users. */
export function friendRequest(request: FriendRequest, profiles: Profiles): sdkws.FriendRequest {
  const from = profiles.get(request.fromUserID);
  const to = profiles.get(request.toUserID);
  return make('sdkws.FriendRequest', {
    ...request,
    fromNickname: from?.nickname ?? '',
    fromFaceURL: from?.faceURL ?? '',
    toNickname: to?.nickname ?? '',
    toFaceURL: to?.faceURL ?? '',
  });
}
