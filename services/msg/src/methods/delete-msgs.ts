import { type CallContext, eachLimited, requireAdmin, requireSelf } from '@im/kit';
import { argsError, type conversation, decode, make } from '@im/protocol';
import type { MsgDeps, MsgMethods } from '../deps.ts';
import { messageNotifications } from '../notifications/message-notifications.ts';
import {
  authorityOf,
  checkSeqs,
  ownConversation,
  requireMayReach,
  requireMayRevoke,
} from '../permissions.ts';

/** Most conversations in one request of an administrator. */
const MAX_CONVERSATIONS = 1_000;
const CONVERSATIONS_AT_ONCE = 8;

type DeleteDeps = Pick<
  MsgDeps,
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

/** Deletes single messages, for the user alone or for all participants. */
export function deleteMethods(
  deps: DeleteDeps,
): MsgMethods<'deleteMsgs' | 'deleteMsgPhysicalBySeq' | 'deleteMsgPhysical'> {
  const { rows, changes, conversationSeqs } = deps;
  const notifications = messageNotifications(deps.notifier);

  /** Only messages that the user may revoke; OpenIM lets any user delete any message for all. */
  async function requireOwn(
    ctx: CallContext,
    userID: string,
    conversationID: string,
    seqs: readonly number[],
  ): Promise<void> {
    const found = await rows.bySeqs(ctx.tenant, [{ conversationID, seqs }]);
    const messages = found.flatMap(({ msgData }) => (msgData ? [decode('sdkws.MsgData', msgData)] : []));
    const senders = messages.map(({ sendID }) => sendID);
    const authority = await authorityOf(deps, ctx, userID, conversationID, senders);
    for (const message of messages) requireMayRevoke(authority, message);
  }

  return {
    async deleteMsgs(ctx, { conversationID, seqs, userID, deleteSyncOpt }) {
      if (userID === '') throw argsError('userID is empty');
      requireSelf(ctx, userID);
      checkSeqs(seqs);
      const record = await ownConversation(deps, ctx, userID, conversationID);
      if (deleteSyncOpt?.IsSyncOther) {
        await requireOwn(ctx, userID, conversationID, seqs);
        await requireMayReach(deps, ctx, userID, audienceOf(record));
        await changes.blank(ctx.tenant, conversationID, seqs);
        await notifications.deleted(ctx, userID, record, seqs, 'participants');
      } else {
        await changes.deleteFor(ctx.tenant, conversationID, seqs, userID);
        if (deleteSyncOpt?.IsSyncSelf) await notifications.deleted(ctx, userID, record, seqs, 'self');
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

    /** Removes messages older than `timestamp` seconds. The bound rises first, so that no reader is served a gap. */
    async deleteMsgPhysical(ctx, { conversationIDs, timestamp }) {
      requireAdmin(ctx);
      if (conversationIDs.length === 0) throw argsError('conversationIDs is empty');
      if (conversationIDs.length > MAX_CONVERSATIONS) {
        throw argsError(`conversationIDs has more than ${MAX_CONVERSATIONS} entries`);
      }
      if (timestamp <= 0) throw argsError('timestamp is not a number of seconds above 0');
      const before = Date.now() - timestamp * 1_000;
      const states = await conversationSeqs.get(ctx.tenant, conversationIDs);
      await eachLimited(states, CONVERSATIONS_AT_ONCE, async ([conversationID, { min, max }]) => {
        const first = Math.max(1, min);
        const last = await rows.lastSeqBefore(ctx.tenant, conversationID, { first, last: max }, before);
        if (last === 0) return;
        await conversationSeqs.raiseMin(ctx.tenant, conversationID, last + 1);
        await changes.removeUpTo(ctx.tenant, conversationID, last);
      });
      return make('msg.DeleteMsgPhysicalResp');
    },
  };
}

function audienceOf({ conversationType, groupID, userID }: conversation.Conversation) {
  return { sessionType: conversationType, groupID, peerID: userID };
}
