import type { Bus } from '@im/bus';
import type { TenantId } from '@im/contract';
import { decode, type log, SESSION, type sdkws } from '@im/protocol';
import {
  type ConversationKey,
  conversationSeqs,
  conversationSettingsChanges,
  msgRows,
  type Store,
  seqUsers,
} from '@im/store';

/** A message as it was delivered. */
export interface Delivered {
  readonly conversationID: string;
  readonly seq: number;
  readonly record: log.Record;
  readonly message: sdkws.MsgData;
}

/** A log whose records are folded into the store before they are acknowledged, one after the other. */
export interface FoldingLog {
  readonly bus: Pick<Bus, 'log' | 'deliveries' | 'partitionOf'>;
  readonly delivered: Delivered[];
}

/** Does in one place what the log, its partitions and their fold do in many: for tests of what reads the results. */
export function foldingLog(store: Store): FoldingLog {
  const rows = msgRows(store);
  const truth = conversationSeqs(store);
  const users = seqUsers(store);
  const records = conversationSettingsChanges(store);
  const delivered: Delivered[] = [];
  let position = 0;
  let last: Promise<unknown> = Promise.resolve();

  async function foldEntry(tenant: TenantId, record: log.Record, entry: log.Entry): Promise<void> {
    const { conversationID } = entry;
    const state = (await truth.get(tenant, [conversationID])).get(conversationID);
    const before = state?.max ?? 0;
    const seq = entry.stored ? before + 1 : 0;
    const logTime = Date.now();
    if (entry.stored) {
      const { dedupKey, sendID, recvID, contentType, sendTime } = record;
      const { msgData } = entry;
      await rows.insert([
        {
          tenant,
          conversationID,
          seq,
          dedupKey,
          position,
          msgData,
          sendID,
          recvID,
          contentType,
          sendTime,
          logTime,
        },
      ]);
      await truth.apply([{ tenant, conversationID, max: seq, src: position, maxTime: logTime }]);
      if (entry.senderReads) await users.raiseRead([{ tenant, userID: sendID, conversationID, value: seq }]);
      const owners = before === 0 || entry.ensureOwners ? entry.conversationOwners : [];
      await records.createForOwners(
        tenant,
        owners.map((owner) => keyFor(owner, record, conversationID)),
      );
    }
    delivered.push({ conversationID, seq, record, message: decode('sdkws.MsgData', entry.msgData) });
  }

  async function foldMembership(tenant: TenantId, record: log.Record): Promise<void> {
    const conversationID = `sg_${record.groupID}`;
    const max = (await truth.get(tenant, [conversationID])).get(conversationID)?.max ?? 0;
    const place = { position, version: record.memberVersion };
    const item = (userID: string) => ({ tenant, userID, conversationID, ...place });
    await records.openForMembers(
      tenant,
      record.addedUserIDs.map((owner) => keyFor(owner, record, conversationID)),
      place,
    );
    await users.setMax(record.addedUserIDs.map((userID) => ({ ...item(userID), max: 0 })));
    await users.setMax(record.removedUserIDs.map((userID) => ({ ...item(userID), max })));
    await records.freezeForUsers(tenant, conversationID, record.removedUserIDs, max, place);
  }

  const append = async (tenant: TenantId, _partition: number, bytes: Uint8Array) => {
    const record = decode('log.Record', bytes);
    const turn = last.then(async () => {
      position++;
      for (const entry of record.entries) await foldEntry(tenant, record, entry);
      if (record.sessionType === SESSION.Group) await foldMembership(tenant, record);
      return { position };
    });
    last = turn.catch(() => undefined);
    return turn;
  };
  const unused = () => {
    throw new Error('not part of this log');
  };
  return {
    delivered,
    bus: {
      partitionOf: () => 0,
      log: {
        append,
        read: unused,
        follow: unused,
        info: unused,
        entryAt: unused,
        firstSince: unused,
        purgeBefore: unused,
        announceFolded: unused,
      },
      deliveries: {
        publish: unused,
        publishTransient: () => undefined,
        feed: unused,
        watch: unused,
        announceProducer: unused,
        consume: unused,
      },
    },
  };
}

function keyFor(ownerUserID: string, record: log.Record, conversationID: string): ConversationKey {
  const group = record.sessionType === SESSION.Group;
  return {
    ownerUserID,
    conversationID,
    conversationType: record.sessionType,
    userID: group ? '' : ownerUserID === record.sendID ? record.recvID : record.sendID,
    groupID: group ? record.groupID : '',
    ...(record.newConversation && { initial: record.newConversation }),
  };
}
