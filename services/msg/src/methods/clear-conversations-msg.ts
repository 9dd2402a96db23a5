import { NOTIFICATIONS_AT_ONCE } from '@im/domain';
import { asSystem, type CallContext, eachLimited, requireSelf } from '@im/kit';
import { argsError, type conversation, ERR, ImError, make, type msg, ROLE, SESSION } from '@im/protocol';
import type { MsgDeps, MsgMethods } from '../deps.ts';
import { messageNotifications } from '../notifications/message-notifications.ts';
import { requireMayReach } from '../permissions.ts';

/** Most conversations in one request; clearing everything has no such limit. */
const MAX_CONVERSATIONS = 1_000;
const CHECKS_AT_ONCE = 16;

type ClearDeps = Pick<
  MsgDeps,
  | 'conversationSettings'
  | 'conversationSeqs'
  | 'seqUsers'
  | 'groups'
  | 'members'
  | 'reach'
  | 'notifier'
  | 'rpc'
>;

/** Clears whole conversations, for the user alone or for all participants. */
export function clearMethods(deps: ClearDeps): MsgMethods<'clearConversationsMsg' | 'userClearAllMsg'> {
  const { conversationSettings, conversationSeqs, seqUsers } = deps;
  const notifications = messageNotifications(deps.notifier);

  /**
   * Raises the user's lower bounds beyond the last messages, in the conversation records and separately. The records
   * first: pulls obey them and clients see them, so a process that dies in between has cleared. The separate bounds
   * outlive a deleted record.
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
    await deps.rpc.client('conversation').setMinSeqs(asSystem(ctx), request);
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
    await requireMayClear(deps, ctx, userID, records);
    await eachLimited(records, CHECKS_AT_ONCE, ({ conversationType, groupID, userID: peerID }) =>
      requireMayReach(deps, ctx, userID, { sessionType: conversationType, groupID, peerID }),
    );
    const mins = records.map(({ conversationID: id }) => [id, (ends.get(id) ?? 0) + 1] as const);
    await conversationSeqs.raiseMins(ctx.tenant, new Map(mins));
    await eachLimited(records, NOTIFICATIONS_AT_ONCE, (record) => notifications.cleared(ctx, userID, record));
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
      await notifications.clearedForSelf(ctx, userID, ids);
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
 * Clearing for all participants destroys what others wrote: in a single chat both users may, in a group only its
 * owner and admins, in account notifications only administrators.
 * @throws ImError 1002.
 */
async function requireMayClear(
  { members }: ClearDeps,
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
      throw new ImError(ERR.NoPermissionError, `userID may not clear ${conversationID} for all participants`);
  }
}
