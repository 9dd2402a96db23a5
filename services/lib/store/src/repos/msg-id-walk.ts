import type { TenantId } from '@im/contract';
import type { Store } from '../store.ts';
import { CONVERSATION_SEQS } from './conversation-seqs.ts';
import type { SeqSpan } from './seq-walk.ts';

/** A conversation, and which of its messages are looked at. */
export interface ConversationSpan {
  readonly conversationID: string;
  readonly span: SeqSpan;
}

/** Where a search looks: all conversations of a kind (`si_`, `sg_`), or what one has. */
export type MsgPlace = string | ConversationSpan;

/** Conversations read at once. */
const AT_ONCE = 500;

/**
 * The conversations of places, falling by their ids, with the seqs that they have: seqs have no gaps, so that rows can be
 * named. Some servers walk all rows of a tenant for a range of their keys, and every one reads named rows at the same cost.
 * @param from the conversation to begin with; the highest by default.
 */
export async function* conversationsDown(
  store: Store,
  tenant: TenantId,
  places: readonly MsgPlace[],
  from: string | undefined,
): AsyncGenerator<ConversationSpan, void> {
  const named = new Map<string, ConversationSpan>();
  const kinds: string[] = [];
  for (const place of places) {
    if (typeof place === 'string') kinds.push(place);
    else named.set(place.conversationID, place);
  }
  for (const place of [...named.values()].sort((a, b) => (a.conversationID < b.conversationID ? 1 : -1))) {
    const { conversationID, span } = place;
    if (from !== undefined && conversationID > from) continue;
    yield { conversationID, span: { first: Math.max(1, span.first), last: span.last } };
  }
  const { col, key, parts } = store.collection(tenant, CONVERSATION_SEQS);
  for (const kind of [...new Set(kinds)].sort().reverse()) {
    const first = key(kind);
    // The character after `_` is the backquote.
    const end = `${first.slice(0, -1)}\``;
    const start = from === undefined ? end : key(from);
    if (start < first) continue;
    let behind: Record<string, string> = start < end ? { $lte: start } : { $lt: end };
    for (;;) {
      const found = await col
        .find(
          { _id: { $gte: first, ...behind } },
          { sort: { _id: -1 }, limit: AT_ONCE, batchSize: AT_ONCE + 1, projection: { max: 1, min: 1 } },
        )
        .toArray();
      for (const { _id, max, min } of found) {
        const [conversationID = ''] = parts(_id);
        yield { conversationID, span: { first: Math.max(1, min), last: max } };
      }
      const last = found.at(-1);
      if (!last || found.length < AT_ONCE) break;
      behind = { $lt: last._id };
    }
  }
}
