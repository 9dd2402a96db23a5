import { asSystem, type CallContext, requireSelf } from '@im/kit';
import {
  argsError,
  CONTENT,
  type conversation,
  ERR,
  ImError,
  make,
  type msg,
  ROLE,
  SESSION,
} from '@im/protocol';
import type { MsgMethods, MsgParts } from '../parts.ts';
import { requireMayReach } from './may-reach.ts';

/** Most conversations in one request; clearing everything has no such limit. */
const MAX_CONVERSATIONS = 1_000;

/** What clearing works with. */
export type ClearParts = Pick<
  MsgParts,
  | 'conversationSettings'
  | 'conversationSeqs'
  | 'seqUsers'
  | 'groups'
  | 'members'
  | 'reach'
  | 'notifier'
  | 'rpc'
>;

/** Clearing whole conversations, for oneself or for everybody. */
export function clearMethods(parts: ClearParts): MsgMethods<'clearConversationsMsg' | 'userClearAllMsg'> {
  const { conversationSettings, conversationSeqs, seqUsers, notifier } = parts;

  /**
   * Raises the user's lower bounds beyond the last messages, in the conversation records and apart from them. The
   * records first: pulls obey them and clients see them, so that a process which dies in between has cleared; the
   * bounds apart outlive a record that is deleted.
   * @throws ImError retryable, having cleared nothing or everything, when the records cannot be written.
   */
  async function clearForSelf(
    ctx: CallContext,
    userID: string,
    ends: ReadonlyMap<string, number>,
  ): Promise<void> {
    const { tenant } = ctx;
    const minSeqs = [...ends].map(([conversationID, max]) =>
      make('conversation.ConversationMinSeq', { conversationID, minSeq: max + 1 }),
    );
    const request = make('conversation.SetMinSeqsReq', { ownerUserID: userID, minSeqs });
    await parts.rpc.client('conversation').setMinSeqs(asSystem(ctx), request);
    await seqUsers.raiseMin(
      [...ends].map(([conversationID, max]) => ({ tenant, userID, conversationID, value: max + 1 })),
    );
  }

  async function clearForAll(
    ctx: CallContext,
    userID: string,
    records: readonly conversation.Conversation[],
    ends: ReadonlyMap<string, number>,
  ): Promise<void> {
    await requireMayClear(parts, ctx, userID, records);
    for (const { conversationType, groupID, userID: peerID } of records) {
      await requireMayReach(parts, ctx, userID, { sessionType: conversationType, groupID, peerID });
    }
    for (const record of records) {
      const { conversationID } = record;
      await conversationSeqs.raiseMin(ctx.tenant, conversationID, (ends.get(conversationID) ?? 0) + 1);
      await tell(ctx, userID, addressOf(record), [conversationID]);
    }
  }

  async function tell(
    ctx: CallContext,
    userID: string,
    address: { sessionType: number; recvID: string },
    conversationIDs: string[],
  ): Promise<void> {
    await notifier.send(
      ctx,
      { contentType: CONTENT.ClearConversation, sendID: userID, ...address },
      'sdkws.ClearConversationTips',
      make('sdkws.ClearConversationTips', { userID, conversationIDs }),
    );
  }

  async function clear(
    ctx: CallContext,
    userID: string,
    records: readonly conversation.Conversation[],
    options: msg.DeleteSyncOpt | null,
  ): Promise<void> {
    const ids = records.map(({ conversationID }) => conversationID);
    const states = await conversationSeqs.get(ctx.tenant, ids);
    const ends = new Map([...states].map(([id, { max }]) => [id, max]));
    if (options?.IsSyncOther) await clearForAll(ctx, userID, records, ends);
    else await clearForSelf(ctx, userID, ends);
    const { tenant } = ctx;
    await seqUsers.raiseRead(
      [...ends].map(([conversationID, value]) => ({ tenant, userID, conversationID, value })),
    );
    if (options?.IsSyncSelf && !options.IsSyncOther) {
      await tell(ctx, userID, { sessionType: SESSION.Single, recvID: userID }, ids);
    }
  }

  return {
    async clearConversationsMsg(ctx, { conversationIDs, userID, deleteSyncOpt }) {
      if (userID === '') throw argsError('userID is empty');
      requireSelf(ctx, userID);
      if (conversationIDs.length === 0) throw argsError('conversationIDs is empty');
      if (conversationIDs.length > MAX_CONVERSATIONS) {
        throw argsError(`conversationIDs has more than ${MAX_CONVERSATIONS} entries`);
      }
      const records = await conversationSettings.find(ctx.tenant, userID, [...new Set(conversationIDs)]);
      if (records.length > 0) await clear(ctx, userID, records, deleteSyncOpt);
      return make('msg.ClearConversationsMsgResp');
    },
    async userClearAllMsg(ctx, { userID, deleteSyncOpt }) {
      if (userID === '') throw argsError('userID is empty');
      requireSelf(ctx, userID);
      const records = await conversationSettings.listBrief(ctx.tenant, userID);
      if (records.length > 0) await clear(ctx, userID, records, deleteSyncOpt);
      return make('msg.UserClearAllMsgResp');
    },
  };
}

/**
 * Clearing for everybody destroys what others wrote: in a chat of two either may, in a group only its
 * owner and admins, in account notifications administrators.
 * @throws ImError 1002.
 */
async function requireMayClear(
  { members }: ClearParts,
  ctx: CallContext,
  userID: string,
  records: readonly conversation.Conversation[],
): Promise<void> {
  if (ctx.opAdmin) return;
  const groups = records.filter(({ conversationType }) => conversationType === SESSION.Group);
  const pairs = groups.map(({ groupID }) => ({ groupID, userID }));
  const own = pairs.length === 0 ? [] : await members.findPairs(ctx.tenant, pairs);
  const leads = new Set(own.flatMap(({ groupID, roleLevel }) => (roleLevel >= ROLE.Admin ? [groupID] : [])));
  for (const { conversationType, groupID, conversationID } of records) {
    const may = conversationType === SESSION.Single || leads.has(groupID);
    if (!may)
      throw new ImError(ERR.NoPermissionError, `${conversationID} is not yours to clear for everybody`);
  }
}

function addressOf({ conversationType, groupID, userID }: conversation.Conversation) {
  return {
    sessionType: conversationType,
    recvID: conversationType === SESSION.Group ? groupID : userID,
  };
}
