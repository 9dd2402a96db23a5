import { type CallContext, requireAdmin, requireSelf } from '@im/kit';
import { argsError, CONTENT, type conversation, decode, make, SESSION } from '@im/protocol';
import type { MsgMethods, MsgParts } from '../parts.ts';
import { authorityOf, requireTakeBack } from './authority.ts';
import { requireMayReach } from './may-reach.ts';
import { checkSeqs, ownConversation } from './own-conversation.ts';

/** Most conversations in one request of an administrator. */
const MAX_CONVERSATIONS = 1_000;

/** What deleting works with. */
export type DeleteParts = Pick<
  MsgParts,
  | 'rows'
  | 'changes'
  | 'conversationSettings'
  | 'conversationSeqs'
  | 'users'
  | 'groups'
  | 'members'
  | 'reach'
  | 'notifier'
>;

/** Deleting single messages, for oneself or for everybody. */
export function deleteMethods(
  parts: DeleteParts,
): MsgMethods<'deleteMsgs' | 'deleteMsgPhysicalBySeq' | 'deleteMsgPhysical'> {
  const { rows, changes, conversationSeqs, notifier } = parts;

  /** Only what may be taken back from everybody; OpenIM lets anybody blank anything. */
  async function requireOwn(
    ctx: CallContext,
    userID: string,
    conversationID: string,
    seqs: readonly number[],
  ): Promise<void> {
    const found = await rows.bySeqs(ctx.tenant, [{ conversationID, seqs }]);
    const messages = found.flatMap(({ msgData }) => (msgData ? [decode('sdkws.MsgData', msgData)] : []));
    const senders = messages.map(({ sendID }) => sendID);
    const authority = await authorityOf(parts, ctx, userID, conversationID, senders);
    for (const m of messages) requireTakeBack(authority, m);
  }

  async function tell(
    ctx: CallContext,
    userID: string,
    record: conversation.Conversation,
    seqs: readonly number[],
    everybody: boolean,
  ): Promise<void> {
    const { conversationID } = record;
    await notifier.send(
      ctx,
      {
        contentType: CONTENT.DeleteMsgs,
        sendID: userID,
        ...(everybody ? addressOf(record) : toSelf(userID)),
      },
      'sdkws.DeleteMsgsTips',
      make('sdkws.DeleteMsgsTips', { userID, conversationID, seqs: [...seqs] }),
    );
  }

  return {
    async deleteMsgs(ctx, { conversationID, seqs, userID, deleteSyncOpt }) {
      if (userID === '') throw argsError('userID is empty');
      requireSelf(ctx, userID);
      checkSeqs(seqs);
      const record = await ownConversation(parts, ctx, userID, conversationID);
      if (deleteSyncOpt?.IsSyncOther) {
        await requireOwn(ctx, userID, conversationID, seqs);
        await requireMayReach(parts, ctx, userID, audienceOf(record));
        await changes.blank(ctx.tenant, conversationID, seqs);
        await tell(ctx, userID, record, seqs, true);
      } else {
        await changes.deleteFor(ctx.tenant, conversationID, seqs, userID);
        if (deleteSyncOpt?.IsSyncSelf) await tell(ctx, userID, record, seqs, false);
      }
      return make('msg.DeleteMsgsResp');
    },

    async deleteMsgPhysicalBySeq(ctx, { conversationID, seqs }) {
      requireAdmin(ctx);
      if (conversationID === '') throw argsError('conversationID is empty');
      checkSeqs(seqs);
      await changes.blank(ctx.tenant, conversationID, seqs);
      return make('msg.DeleteMsgPhysicalBySeqResp');
    },

    /** Removes what is older than `timestamp` seconds. The bound rises first, so nobody is served a gap. */
    async deleteMsgPhysical(ctx, { conversationIDs, timestamp }) {
      requireAdmin(ctx);
      if (conversationIDs.length === 0) throw argsError('conversationIDs is empty');
      if (conversationIDs.length > MAX_CONVERSATIONS) {
        throw argsError(`conversationIDs has more than ${MAX_CONVERSATIONS} entries`);
      }
      if (timestamp <= 0) throw argsError('timestamp is not a number of seconds above 0');
      const before = Date.now() - timestamp * 1_000;
      const states = await conversationSeqs.get(ctx.tenant, conversationIDs);
      for (const [conversationID, { min, max }] of states) {
        const first = Math.max(1, min);
        const last = await rows.lastSeqBefore(ctx.tenant, conversationID, { first, last: max }, before);
        if (last === 0) continue;
        await conversationSeqs.raiseMin(ctx.tenant, conversationID, last + 1);
        await changes.removeUpTo(ctx.tenant, conversationID, last);
      }
      return make('msg.DeleteMsgPhysicalResp');
    },
  };
}

function toSelf(userID: string) {
  return { sessionType: SESSION.Single, recvID: userID };
}

/** Everybody in the conversation of this record. */
function addressOf({ conversationType, groupID, userID }: conversation.Conversation) {
  return {
    sessionType: conversationType,
    recvID: conversationType === SESSION.Group ? groupID : userID,
  };
}

function audienceOf({ conversationType, groupID, userID }: conversation.Conversation) {
  return { sessionType: conversationType, groupID, peerID: userID };
}
