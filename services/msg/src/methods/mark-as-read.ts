import { type CallContext, requireSelf } from '@im/kit';
import { argsError, type conversation, make, SESSION } from '@im/protocol';
import { NO_SEQ_USER } from '@im/store';
import type { MsgDeps, MsgMethods } from '../deps.ts';
import { messageNotifications } from '../notifications/message-notifications.ts';
import { checkSeqs, ownConversation } from '../permissions.ts';

/** Most seqs in one receipt, the newest; older messages are marked as read without being listed. */
const MAX_LISTED = 5_000;

type MarkAsReadDeps = Pick<
  MsgDeps,
  'conversationSettings' | 'conversationSeqs' | 'seqUsers' | 'changes' | 'reach' | 'notifier' | 'webhooks'
>;

/** Read positions and receipts (docs/protocol/sync.md). Positions only rise, and never beyond the last message. */
export function readMethods(
  deps: MarkAsReadDeps,
): MsgMethods<'markMsgsAsRead' | 'markConversationAsRead' | 'setConversationHasReadSeq'> {
  const { conversationSeqs, seqUsers, changes, reach, webhooks } = deps;
  const notifications = messageNotifications(deps.notifier);

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
   * The peer to notify: the other user of a single chat, unless the reader may not write to them. A blocked user
   * still reads, and their other devices are still notified.
   */
  async function peerOf(
    ctx: CallContext,
    { conversationType, ownerUserID, userID }: conversation.Conversation,
  ): Promise<string | undefined> {
    if (conversationType !== SESSION.Single) return undefined;
    const [peer] = await reach.filter(ctx, ownerUserID, [userID]);
    return peer;
  }

  /** Positions only rise, so a read that could not be reported can be made again. */
  async function reportSingle(
    ctx: CallContext,
    { conversationID, ownerUserID, conversationType }: conversation.Conversation,
    seqs: number[],
  ): Promise<void> {
    if (conversationType !== SESSION.Single) return;
    const event = { conversationID, userID: ownerUserID, Seqs: seqs, contentType: conversationType };
    await webhooks.after(ctx, 'afterSingleMsgRead', event);
  }

  return {
    async markConversationAsRead(ctx, { conversationID, userID, hasReadSeq, seqs }) {
      requireSelf(ctx, userID);
      if (hasReadSeq < 1) throw argsError('hasReadSeq is below 1');
      if (seqs.length > 0) checkSeqs(seqs);
      const record = await ownConversation(deps, ctx, userID, conversationID);
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
      const state = { conversationID, seqs: listed, hasReadSeq: Math.max(target, read) };
      await notifications.read(ctx, userID, peer, state);
      await reportSingle(ctx, record, seqs);
      if (record.conversationType === SESSION.Group) {
        const { ownerUserID: sendID, conversationType: contentType } = record;
        const event = { sendID, receiveID: userID, unreadMsgNum: hasReadSeq, contentType };
        await webhooks.after(ctx, 'afterGroupMsgRead', event);
      }
      return make('msg.MarkConversationAsReadResp');
    },

    async markMsgsAsRead(ctx, { conversationID, userID, seqs }) {
      requireSelf(ctx, userID);
      checkSeqs(seqs);
      const record = await ownConversation(deps, ctx, userID, conversationID);
      const { max, read } = await stateOf(ctx, userID, conversationID);
      const hasReadSeq = seqs[seqs.length - 1] ?? 0;
      if (seqs.some((seq) => seq > max)) throw argsError('seqs contains a number above the last message');
      const peer = await peerOf(ctx, record);
      const group = record.conversationType !== SESSION.Single;
      if (group || peer !== undefined) await changes.markSeqsRead(ctx.tenant, conversationID, seqs, userID);
      if (hasReadSeq > read) await raise(ctx, userID, conversationID, hasReadSeq);
      await notifications.read(ctx, userID, peer, {
        conversationID,
        seqs: peer === undefined ? [] : seqs,
        hasReadSeq: Math.max(hasReadSeq, read),
      });
      await reportSingle(ctx, record, seqs);
      return make('msg.MarkMsgsAsReadResp');
    },

    async setConversationHasReadSeq(ctx, { conversationID, userID, hasReadSeq }) {
      requireSelf(ctx, userID);
      if (hasReadSeq < 1) throw argsError('hasReadSeq is below 1');
      await ownConversation(deps, ctx, userID, conversationID);
      const { max, read } = await stateOf(ctx, userID, conversationID);
      if (hasReadSeq > max) throw argsError('hasReadSeq is above the last message');
      if (hasReadSeq > read) await raise(ctx, userID, conversationID, hasReadSeq);
      const state = { conversationID, seqs: [], hasReadSeq: Math.max(hasReadSeq, read) };
      await notifications.read(ctx, userID, undefined, state);
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
