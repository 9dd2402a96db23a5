import { type CallContext, requireSelf } from '@im/kit';
import { argsError, make } from '@im/protocol';
import { recordDeletions } from '../deletion-record.ts';
import type { ConversationMethods, ConversationParts } from '../parts.ts';
import { positionsOf } from '../positions.ts';

const DAY_MS = 86_400_000;
const MAX_DELETED = 10_000;
/** A deletion that took longer is written into the log once more: messages heed it for a limited time. */
const SLOW_MS = 45_000;

/** Removing records; messages and read positions stay. */
export function deleteConversationsMethods(
  parts: ConversationParts,
): ConversationMethods<'deleteConversations'> {
  const { records, changes } = parts;

  /** The log first: a process that dies in between has deleted nothing, or deleted what comes back with a message. */
  async function remove(
    ctx: CallContext,
    ownerUserID: string,
    conversationIDs: readonly string[],
  ): Promise<void> {
    if (conversationIDs.length === 0) return;
    const begun = performance.now();
    const bounds = await records.bounds(ctx.tenant, ownerUserID, conversationIDs);
    const existing = bounds.map(({ conversationID }) => conversationID);
    await recordDeletions(parts, ctx, existing);
    await changes.remove(ctx.tenant, ownerUserID, conversationIDs, existing);
    if (performance.now() - begun > SLOW_MS) await recordDeletions(parts, ctx, existing);
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
      const positions = await positionsOf(parts, ctx, ownerUserID, candidates);
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
