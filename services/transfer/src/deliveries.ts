import type { OutgoingDelivery } from '@im/bus';
import type { TenantId } from '@im/kit';
import { encode, type log, make } from '@im/protocol';

const TARGET_USER_TAG = 0x2a;
const TARGET_GROUP_TAG = 0x32;
const SEQ_TAG = 0x70;

function varint(value: number): number[] {
  const out: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
  return out;
}

/** MsgData bytes with a seq: fields may come in any order, so it is put behind. */
export function withSeq(msgData: Uint8Array, seq: number): Uint8Array {
  return seq === 0 ? msgData : Buffer.concat([msgData, Buffer.from([SEQ_TAG, ...varint(seq)])]);
}

function withTarget(common: Uint8Array, tag: number, id: string): Uint8Array {
  const text = Buffer.from(id);
  return Buffer.concat([common, Buffer.from([tag, ...varint(text.length)]), text]);
}

/** Where a record stands. */
export interface Place {
  readonly tenant: TenantId;
  readonly partition: number;
  readonly position: number;
  readonly fence: number;
  readonly timeMs: number;
  /** Number of the run. */
  readonly run: number;
}

/**
 * The deliveries of one entry: one per user, one per group. A record that changes a membership also
 * goes to each user that it concerns, who may not be in the group (yet, or any more).
 */
export function deliveriesOf(
  place: Place,
  record: log.Record,
  entry: log.Entry,
  index: number,
  seq: number,
  again: boolean,
): OutgoingDelivery[] {
  const { tenant } = place;
  const common = encode(
    'log.Delivery',
    make('log.Delivery', {
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
      addedUserIDs: record.addedUserIDs,
      removedUserIDs: record.removedUserIDs,
      memberVersion: record.memberVersion,
      logTime: place.timeMs,
      run: place.run,
      again,
    }),
  );
  const users = entry.toGroup
    ? new Set([...entry.userIDs, ...record.addedUserIDs, ...record.removedUserIDs])
    : new Set(entry.userIDs);
  const out: OutgoingDelivery[] = [];
  for (const targetUserID of users) {
    out.push({ tenant, targetUserID, payload: withTarget(common, TARGET_USER_TAG, targetUserID) });
  }
  if (entry.toGroup) {
    const targetGroupID = record.groupID;
    out.push({ tenant, targetGroupID, payload: withTarget(common, TARGET_GROUP_TAG, targetGroupID) });
  }
  return out;
}
