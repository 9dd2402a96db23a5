import { type CallContext, requireSelf } from '@im/kit';
import { argsError, CONTENT, type conversation, make, SESSION } from '@im/protocol';
import { NO_SEQ_USER } from '@im/store';
import type { MsgMethods, MsgParts } from '../parts.ts';
import { checkSeqs, ownConversation } from './own-conversation.ts';

/** Most seqs that one receipt lists, the newest ones; older ones are marked, but the peer is not told each. */
const MAX_LISTED = 5_000;

/** What read state works with. */
export type ReadParts = Pick<
  MsgParts,
  'conversationSettings' | 'conversationSeqs' | 'seqUsers' | 'changes' | 'reach' | 'notifier'
>;

/** Read positions and receipts (docs/protocol/sync.md). Positions only rise, and never beyond the last message. */
export function readMethods(
  parts: ReadParts,
): MsgMethods<'markMsgsAsRead' | 'markConversationAsRead' | 'setConversationHasReadSeq'> {
  const { conversationSeqs, seqUsers, changes, reach, notifier } = parts;

  async function stateOf(ctx: CallContext, userID: string, conversationID: string) {
    const [states, users] = await Promise.all([
      conversationSeqs.get(ctx.tenant, [conversationID]),
      seqUsers.get(ctx.tenant, userID, [conversationID]),
    ]);
    return {
      max: states.get(conversationID)?.max ?? 0,
      read: (users.get(conversationID) ?? NO_SEQ_USER).read,
    };
  }

  async function raise(
    ctx: CallContext,
    userID: string,
    conversationID: string,
    value: number,
  ): Promise<void> {
    await seqUsers.raiseRead([{ tenant: ctx.tenant, userID, conversationID, value }]);
  }

  /**
   * The peer who learns what was read: the one of a chat of two, unless the reader may not write there.
   * Who is blocked still reads, and the own devices still learn of it.
   */
  async function peerOf(
    ctx: CallContext,
    { conversationType, ownerUserID, userID }: conversation.Conversation,
  ): Promise<string | undefined> {
    if (conversationType !== SESSION.Single) return undefined;
    const [peer] = await reach.filter(ctx, ownerUserID, [userID]);
    return peer;
  }

  /** Tells the peer of a single chat what was read; of other chats, the reader's own devices. */
  async function tell(
    ctx: CallContext,
    userID: string,
    conversationID: string,
    peer: string | undefined,
    seqs: readonly number[],
    hasReadSeq: number,
  ): Promise<void> {
    await notifier.send(
      ctx,
      {
        contentType: CONTENT.HasReadReceipt,
        sessionType: SESSION.Single,
        sendID: userID,
        recvID: peer ?? userID,
      },
      'sdkws.MarkAsReadTips',
      make('sdkws.MarkAsReadTips', {
        markAsReadUserID: userID,
        conversationID,
        seqs: [...seqs],
        hasReadSeq,
      }),
    );
  }

  return {
    async markConversationAsRead(ctx, { conversationID, userID, hasReadSeq, seqs }) {
      requireSelf(ctx, userID);
      if (hasReadSeq < 1) throw argsError('hasReadSeq is below 1');
      if (seqs.length > 0) checkSeqs(seqs);
      const record = await ownConversation(parts, ctx, userID, conversationID);
      const { max, read } = await stateOf(ctx, userID, conversationID);
      const target = Math.min(hasReadSeq, max);
      const listed: number[] = [];
      const peer = await peerOf(ctx, record);
      if (peer !== undefined) {
        const extra = seqs.filter((seq) => seq <= max);
        await changes.markSpanRead(ctx.tenant, conversationID, { first: read + 1, last: target }, userID);
        await changes.markSeqsRead(ctx.tenant, conversationID, extra, userID);
        listed.push(...newest(read + 1, target, extra));
      }
      if (target > read) await raise(ctx, userID, conversationID, target);
      await tell(ctx, userID, conversationID, peer, listed, Math.max(target, read));
      return make('msg.MarkConversationAsReadResp');
    },

    async markMsgsAsRead(ctx, { conversationID, userID, seqs }) {
      requireSelf(ctx, userID);
      checkSeqs(seqs);
      const record = await ownConversation(parts, ctx, userID, conversationID);
      const { max, read } = await stateOf(ctx, userID, conversationID);
      const hasReadSeq = seqs[seqs.length - 1] ?? 0;
      if (seqs.some((seq) => seq > max)) throw argsError('seqs contains a number above the last message');
      const peer = await peerOf(ctx, record);
      const group = record.conversationType !== SESSION.Single;
      if (group || peer !== undefined) await changes.markSeqsRead(ctx.tenant, conversationID, seqs, userID);
      if (hasReadSeq > read) await raise(ctx, userID, conversationID, hasReadSeq);
      await tell(
        ctx,
        userID,
        conversationID,
        peer,
        peer === undefined ? [] : seqs,
        Math.max(hasReadSeq, read),
      );
      return make('msg.MarkMsgsAsReadResp');
    },

    async setConversationHasReadSeq(ctx, { conversationID, userID, hasReadSeq }) {
      requireSelf(ctx, userID);
      if (hasReadSeq < 1) throw argsError('hasReadSeq is below 1');
      await ownConversation(parts, ctx, userID, conversationID);
      const { max, read } = await stateOf(ctx, userID, conversationID);
      if (hasReadSeq > max) throw argsError('hasReadSeq is above the last message');
      if (hasReadSeq > read) await raise(ctx, userID, conversationID, hasReadSeq);
      await tell(ctx, userID, conversationID, undefined, [], Math.max(hasReadSeq, read));
      return make('msg.SetConversationHasReadSeqResp');
    },
  };
}

/** The newest of the seqs `first..last` and `extra`, in order. */
function newest(first: number, last: number, extra: readonly number[]): number[] {
  const seqs = new Set(extra);
  for (let seq = Math.max(first, last - MAX_LISTED + 1); seq <= last; seq++) seqs.add(seq);
  return [...seqs].sort((a, b) => a - b).slice(-MAX_LISTED);
}
