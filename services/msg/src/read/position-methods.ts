import { requireSelf } from '@im/kit';
import { argsError, make, notificationTwin, selfNotificationID } from '@im/protocol';
import { NO_SEQ_USER } from '@im/store';
import type { MsgMethods, MsgParts } from '../parts.ts';
import { frozenMax } from './access.ts';

/** Most ids in one request; without ids, all conversations of the user are meant. */
const MAX_CONVERSATIONS = 10_000;

/** Where positions are read: the truth on the primary, in bulk, and never from copies, so that they do not go back. */
export type PositionParts = Pick<MsgParts, 'conversations' | 'convs' | 'seqUsers'>;

/** The newest seqs (1001), and read positions (1006). */
export function positionMethods({
  conversations,
  convs,
  seqUsers,
}: PositionParts): MsgMethods<'getMaxSeq' | 'getConversationsHasReadAndMaxSeq' | 'getServerTime'> {
  return {
    async getMaxSeq(ctx, { userID }) {
      requireSelf(ctx, userID);
      const own = await conversations.ids(ctx.tenant, userID);
      const ids = new Set([...own, ...own.map(notificationTwin), selfNotificationID(userID)]);
      const states = await convs.get(ctx.tenant, [...ids]);
      const maxSeqs: Record<string, number> = {};
      for (const [id, { max }] of states) if (max !== 0) maxSeqs[id] = max;
      return make('sdkws.GetMaxSeqResp', { maxSeqs });
    },

    async getConversationsHasReadAndMaxSeq(ctx, { userID, conversationIDs, returnPinned }) {
      requireSelf(ctx, userID);
      if (conversationIDs.length > MAX_CONVERSATIONS) {
        throw argsError(`conversationIDs has more than ${MAX_CONVERSATIONS} entries`);
      }
      const all = conversationIDs.length === 0;
      const [records, users] = await Promise.all([
        conversations.bounds(ctx.tenant, userID, all ? undefined : conversationIDs),
        all ? seqUsers.ofUser(ctx.tenant, userID) : seqUsers.get(ctx.tenant, userID, conversationIDs),
      ]);
      const states = await convs.get(
        ctx.tenant,
        records.map(({ conversationID }) => conversationID),
      );
      const answer = make('msg.GetConversationsHasReadAndMaxSeqResp', { seqs: {} });
      for (const id of conversationIDs) answer.seqs[id] = make('msg.Seqs');
      for (const record of records) {
        const { conversationID } = record;
        const state = states.get(conversationID);
        const user = users.get(conversationID) ?? NO_SEQ_USER;
        answer.seqs[conversationID] = make('msg.Seqs', {
          maxSeq: frozenMax(record, user) || (state?.max ?? 0),
          hasReadSeq: user.read,
          maxSeqTime: state?.maxTime ?? 0,
        });
      }
      if (returnPinned) {
        answer.pinnedConversationIDs = records
          .filter(({ isPinned }) => isPinned)
          .map(({ conversationID }) => conversationID);
      }
      return answer;
    },

    async getServerTime() {
      return make('msg.GetServerTimeResp', { serverTime: Date.now() });
    },
  };
}
