import assert from 'node:assert/strict';
import type { Bus, MessageLog } from '@im/bus';
import { decode, ERR, encode, ImError, type log, make, type msg, type sdkws } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { ConversationKey } from '@im/store';
import { startDomain, type TestDomain } from '@im/testing';
import { conversationService } from '../src/index.ts';

/** The conversation domain on a real store, with a message log that records. */
export type Harness = TestDomain<'conversation'> & {
  /** Positions of all users in conversations, as the message domain answers. */
  readonly positions: Map<string, Partial<msg.Seqs>>;
  /** Last messages that the message domain answers. */
  readonly messages: Map<string, Partial<sdkws.MsgData>>;
  /** Records that the domain appended to the message log, with their partitions. */
  readonly logged: { readonly partition: number; readonly record: log.Record }[];
  /** Makes the log refuse records, or accept them again. */
  refuseLog(refuse: boolean): void;
};

/** Starts the domain with fakes of the other domains and of the log. */
export async function startHarness(): Promise<Harness> {
  const positions = new Map<string, Partial<msg.Seqs>>();
  const messages = new Map<string, Partial<sdkws.MsgData>>();
  const msg: Partial<DomainService<'msg'>> = {
    async getConversationsHasReadAndMaxSeq(_ctx, { conversationIDs }) {
      assert.ok(conversationIDs.length > 0, 'an empty list would mean all');
      const seqs = Object.fromEntries(
        conversationIDs.map((id) => [id, make('msg.Seqs', positions.get(id) ?? {})]),
      );
      return make('msg.GetConversationsHasReadAndMaxSeqResp', { seqs });
    },
    async getLastMessage(_ctx, { conversationIDs, skipDeleted }) {
      assert.ok(skipDeleted, 'lists show what the user still has');
      const found = conversationIDs.filter((id) => messages.has(id));
      // An answer holds what fits; the rest comes when it is asked for.
      const fitting = found.slice(0, 2);
      const encoded = (id: string) => encode('sdkws.MsgData', make('sdkws.MsgData', messages.get(id)));
      const msgs = Object.fromEntries(fitting.map((id) => [id, encoded(id)]));
      return make('msg.EncodedLast', { msgs, cut: found.slice(2) });
    },
  };
  const group: Partial<DomainService<'group'>> = {
    async getGroupsInfo(_ctx, { groupIDs }) {
      const groupInfos = groupIDs.map((groupID) =>
        make('sdkws.GroupInfo', {
          groupID,
          groupName: `G${groupID}`,
          memberCount: 3,
          // As much as the texts of a group may take.
          introduction: groupID.startsWith('huge') ? '\u4e2d'.repeat(80_000) : '',
        }),
      );
      return make('group.GetGroupsInfoResp', { groupInfos });
    },
  };
  const logged: Harness['logged'] = [];
  let refused = false;
  const bus: Pick<Bus, 'partitionOf'> & { log: Pick<MessageLog, 'append'> } = {
    partitionOf: (queueKey) => queueKey.length % 64,
    log: {
      async append(_tenant, partition, record) {
        if (refused) throw new ImError(ERR.NetworkError, 'the log is unavailable');
        logged.push({ partition, record: decode('log.Record', record) });
        return { position: logged.length };
      },
    },
  };
  const domain = await startDomain(conversationService, { fakes: { msg, group }, bus: () => bus });
  const refuseLog = (refuse: boolean) => {
    refused = refuse;
  };
  return Object.assign(domain, { positions, messages, logged, refuseLog });
}

/** A user's conversation with another one. */
export const single = (ownerUserID: string, userID: string): ConversationKey => ({
  ownerUserID,
  conversationID: `si_${[ownerUserID, userID].sort().join('_')}`,
  conversationType: 1,
  userID,
  groupID: '',
});

/** A user's conversation of a group. */
export const inGroup = (ownerUserID: string, groupID: string): ConversationKey => ({
  ownerUserID,
  conversationID: `sg_${groupID}`,
  conversationType: 3,
  userID: '',
  groupID,
});
