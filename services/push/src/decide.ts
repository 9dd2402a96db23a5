import { type log, PLATFORM, SESSION, type sdkws, type user } from '@im/protocol';

/** A delivery that may wake someone, and whom it is for. */
export type Candidate =
  | { readonly kind: 'user'; readonly userID: string }
  | { readonly kind: 'group'; readonly groupID: string }
  | { readonly kind: 'none' };

const NONE: Candidate = { kind: 'none' };

/**
 * Whom a delivery could wake, before anything is looked up. The sender's own copy and the copies for
 * those whose membership changed send no notification: the receiver's, or the group's, is judged instead.
 */
export function candidateOf(delivery: log.Delivery): Candidate {
  if (!delivery.offlinePush) return NONE;
  if (delivery.targetGroupID !== '') return { kind: 'group', groupID: delivery.targetGroupID };
  if (delivery.sessionType === SESSION.Group) return NONE;
  if (delivery.targetUserID === '' || delivery.targetUserID === delivery.sendID) return NONE;
  return { kind: 'user', userID: delivery.targetUserID };
}

/**
 * True if a phone has the message already: a connection on iOS or Android that is not an iOS app in
 * the background. Desktop and web connections do not keep a phone silent.
 */
export function phoneOnline(connections: readonly user.PlatformOnlineDetail[]): boolean {
  return connections.some(
    (c) => c.platformID === PLATFORM.Android || (c.platformID === PLATFORM.IOS && !c.isBackground),
  );
}

/** Stands for all members in a message's list of mentions. */
const EVERYBODY = 'AtAllTag';

/** Whether a message mentions a user. */
export function mentions({ atUserIDList }: Pick<sdkws.MsgData, 'atUserIDList'>): (userID: string) => boolean {
  const named = new Set(atUserIDList);
  return (userID) => named.has(EVERYBODY) || named.has(userID);
}
