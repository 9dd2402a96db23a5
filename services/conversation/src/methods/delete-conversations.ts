import { type CallContext, requireSelf } from '@im/kit';
import { argsError, make } from '@im/protocol';
import { recordDeletions } from '../deletion-record.ts';
import type { ConversationDeps, ConversationMethods } from '../deps.ts';
import { positionsOf } from '../views.ts';

const DAY_MS = 86_400_000;
const MAX_DELETED = 10_000;
/** A deletion that takes longer is appended to the log once more: it applies to messages for a limited time. */
const SLOW_MS = 45_000;

/** Deletes records; messages and read positions stay. */
export function deleteConversationsMethods(
  deps: ConversationDeps,
): ConversationMethods<'deleteConversations'> {
  const { records, changes } = deps;

  /** The log first: a process that dies in between has deleted nothing, or a record that comes back with a message. */
  async function remove(
    ctx: CallContext,
    ownerUserID: string,
    conversationIDs: readonly string[],
  ): Promise<void> {
    if (conversationIDs.length === 0) return;
    const startedAt = performance.now();
    const bounds = await records.bounds(ctx.tenant, ownerUserID, conversationIDs);
    const existing = bounds.map(({ conversationID }) => conversationID);
    await recordDeletions(deps, ctx, existing);
    await changes.remove(ctx.tenant, ownerUserID, conversationIDs, existing);
    if (performance.now() - startedAt > SLOW_MS) await recordDeletions(deps, ctx, existing);
  }

  return {
    async deleteConversations(ctx, { ownerUserID, needDeleteTime, conversationIDs }) {
      requireSelf(ctx, ownerUserID);
      const byAge = needDeleteTime > 0;
      if (byAge === conversationIDs.length > 0) {
        throw argsError('exactly one of needDeleteTime and conversationIDs must be given');
      }
      if (conversationIDs.length > MAX_DELETED) {
        throw argsError(`conversationIDs has more than ${MAX_DELETED} elements`);
      }
      const candidates = byAge ? await records.ids(ctx.tenant, ownerUserID) : conversationIDs;
      if (!byAge) {
        await remove(ctx, ownerUserID, candidates);
        return make('conversation.DeleteConversationsResp');
      }
      const positions = await positionsOf(deps, ctx, ownerUserID, candidates);
      const limit = Date.now() - needDeleteTime * DAY_MS;
      const old = candidates.filter((id) => {
        const position = positions.get(id);
        return position !== undefined && position.maxSeq > 0 && position.maxSeqTime < limit;
      });
      await remove(ctx, ownerUserID, old);
      return make('conversation.DeleteConversationsResp');
    },
  };
}
