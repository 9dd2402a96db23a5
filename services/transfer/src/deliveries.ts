import type { OutgoingDelivery } from '@im/bus';
import type { TenantId } from '@im/contract';
import { deliveryField, encode, type log, make, withSeq } from '@im/protocol';

/** Where a record stands. */
export interface Place {
  readonly tenant: TenantId;
  readonly partition: number;
  readonly position: number;
  readonly fence: number;
  readonly timeMs: number;
  /** Generation of the consumer. */
  readonly generation: number;
}

/**
 * The deliveries of one entry: one per user, one per group. A record that changes a membership also
 * goes to each user that it concerns, who may not be in the group (yet, or any more); the group's copy
 * names all of them, a user's copy only that user, or a thousand newcomers would cost a million names.
 */
export function deliveriesOf(
  place: Place,
  record: log.Record,
  entry: log.Entry,
  index: number,
  seq: number,
  redelivered: boolean,
): OutgoingDelivery[] {
  const { tenant } = place;
  const shared = make('log.Delivery', {
    version: 1,
    tenant,
    operationID: record.operationID,
    connID: record.connID,
    conversationID: entry.conversationID,
    seq,
    position: place.position,
    entry: index,
    partition: place.partition,
    fence: place.fence,
    sendID: record.sendID,
    sessionType: record.sessionType,
    contentType: record.contentType,
    senderPlatformID: record.senderPlatformID,
    offlinePush: entry.offlinePush,
    msgData: withSeq(entry.msgData, seq),
    memberVersion: record.memberVersion,
    onlyUserIDs: entry.toGroup ? entry.onlyUserIDs : [],
    memberVersionBefore: record.memberVersionBefore,
    logTime: place.timeMs,
    run: place.generation,
    again: redelivered,
  });
  if (record.traceparent !== '') shared.traceparent = record.traceparent;
  const common = encode('log.Delivery', shared);
  // What goes to single users changes no membership: those named in it are not the users of its own conversation.
  const added = new Set(entry.toGroup ? record.addedUserIDs : []);
  const removed = new Set(entry.toGroup ? record.removedUserIDs : []);
  const users = new Set(entry.toGroup ? [...entry.userIDs, ...added, ...removed] : entry.userIDs);
  const out: OutgoingDelivery[] = [];
  for (const targetUserID of users) {
    const parts = [common, deliveryField('targetUserID', targetUserID)];
    if (added.has(targetUserID)) parts.push(deliveryField('addedUserIDs', targetUserID));
    if (removed.has(targetUserID)) parts.push(deliveryField('removedUserIDs', targetUserID));
    out.push({ tenant, targetUserID, payload: Buffer.concat(parts) });
  }
  if (entry.toGroup) {
    const targetGroupID = record.groupID;
    const parts = [common, deliveryField('targetGroupID', targetGroupID)];
    for (const userID of added) parts.push(deliveryField('addedUserIDs', userID));
    for (const userID of removed) parts.push(deliveryField('removedUserIDs', userID));
    out.push({ tenant, targetGroupID, payload: Buffer.concat(parts) });
  }
  return out;
}
