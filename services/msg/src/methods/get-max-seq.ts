import { requireSelf } from '@im/kit';
import { answerBudget, argsError, make, notificationConversationID, selfNotificationID } from '@im/protocol';
import { NO_SEQ_USER } from '@im/store';
import type { MsgDeps, MsgMethods } from '../deps.ts';
import { frozenMax } from '../pull/read-bounds.ts';

/** Most ids in one request; a request without ids is for all conversations of the user. */
const MAX_CONVERSATIONS = 10_000;

/** Most bytes of an answer between processes. */
const INTERNAL_ANSWER_BYTES = 6 * 1_024 * 1_024;
/** Most bytes of an entry without the conversation's id. */
const ENTRY_BYTES = 48;

/** A user's position in one conversation. */
interface Position {
  readonly conversationID: string;
  /** Time of its newest message, ms. */
  readonly time: number;
}

/**
 * The positions that fit into one answer: if not all do, those of the most recently active conversations. An error
 * instead would keep the client from ever synchronizing.
 */
function fitting<P extends Position>(positions: readonly P[], maxAnswerBytes: number): readonly P[] {
  let left = maxAnswerBytes === 0 ? INTERNAL_ANSWER_BYTES : answerBudget(maxAnswerBytes);
  const sizeOf = ({ conversationID }: P) => 2 * Buffer.byteLength(conversationID) + ENTRY_BYTES;
  if (positions.reduce((sum, position) => sum + sizeOf(position), 0) <= left) return positions;
  const newest = positions.toSorted((a, b) => b.time - a.time);
  const end = newest.findIndex((position) => {
    left -= sizeOf(position);
    return left < 0;
  });
  return newest.slice(0, end);
}

/** Positions are read in bulk from the primary, never from copies, so that they do not go back. */
type PositionDeps = Pick<MsgDeps, 'conversationSettings' | 'conversationSeqs' | 'seqUsers'>;

/** Reads the newest seqs (1001) and read positions (1006). */
export function positionMethods({
  conversationSettings,
  conversationSeqs,
  seqUsers,
}: PositionDeps): MsgMethods<'getMaxSeq' | 'getConversationsHasReadAndMaxSeq' | 'getServerTime'> {
  return {
    async getMaxSeq(ctx, { userID, maxAnswerBytes }) {
      requireSelf(ctx, userID);
      const own = await conversationSettings.ids(ctx.tenant, userID);
      const ids = new Set([...own, ...own.map(notificationConversationID), selfNotificationID(userID)]);
      const states = await conversationSeqs.get(ctx.tenant, [...ids]);
      const maxSeqs: Record<string, number> = {};
      const positions = [...states].flatMap(([conversationID, { max, maxTime }]) =>
        max === 0 ? [] : { conversationID, time: maxTime, max },
      );
      for (const { conversationID, max } of fitting(positions, maxAnswerBytes)) maxSeqs[conversationID] = max;
      return make('sdkws.GetMaxSeqResp', { maxSeqs });
    },

    async getConversationsHasReadAndMaxSeq(ctx, request) {
      const { userID, conversationIDs, returnPinned, maxAnswerBytes } = request;
      requireSelf(ctx, userID);
      if (conversationIDs.length > MAX_CONVERSATIONS) {
        throw argsError(`conversationIDs has more than ${MAX_CONVERSATIONS} entries`);
      }
      const all = conversationIDs.length === 0;
      const [records, users] = await Promise.all([
        conversationSettings.bounds(ctx.tenant, userID, all ? undefined : conversationIDs),
        all ? seqUsers.ofUser(ctx.tenant, userID) : seqUsers.get(ctx.tenant, userID, conversationIDs),
      ]);
      const states = await conversationSeqs.get(
        ctx.tenant,
        records.map(({ conversationID }) => conversationID),
      );
      const answer = make('msg.GetConversationsHasReadAndMaxSeqResp', { seqs: {} });
      const recordOf = new Map(records.map((record) => [record.conversationID, record]));
      const ids = new Set([...conversationIDs, ...recordOf.keys()]);
      const positions = [...ids].map((conversationID) => ({
        conversationID,
        time: states.get(conversationID)?.maxTime ?? 0,
      }));
      for (const { conversationID, time } of fitting(positions, maxAnswerBytes)) {
        const record = recordOf.get(conversationID);
        const state = states.get(conversationID);
        const user = users.get(conversationID) ?? NO_SEQ_USER;
        answer.seqs[conversationID] = record
          ? make('msg.Seqs', {
              maxSeq: frozenMax(record, user) || (state?.max ?? 0),
              hasReadSeq: user.read,
              maxSeqTime: time,
            })
          : make('msg.Seqs');
      }
      if (returnPinned) {
        answer.pinnedConversationIDs = records
          .filter(({ isPinned, conversationID }) => isPinned && Object.hasOwn(answer.seqs, conversationID))
          .map(({ conversationID }) => conversationID);
      }
      return answer;
    },

    async getServerTime() {
      return make('msg.GetServerTimeResp', { serverTime: Date.now() });
    },
  };
}
