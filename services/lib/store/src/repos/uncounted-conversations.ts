import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR } from '@im/kit';
import type { Store } from '../store.ts';
import { CONVERSATION_SEQS } from './conversation-seqs.ts';

/** A conversation with messages that statistics have not counted. */
export interface UncountedConversation {
  readonly conversationID: string;
  /** Seqs up to this one are counted. */
  readonly counted: number;
  readonly max: number;
}

/** What a step of a walk found. */
export interface WalkedConversations {
  readonly found: readonly UncountedConversation[];
  /** Where the next step begins: behind this conversation; empty at the end. */
  readonly next: string;
}

/** Conversations looked at by one step. */
const STEP = 20_000;
/** Conversations that one step gives. */
const MOST = 1_000;

/** One step of a walk over all conversations of a tenant, in the order of their ids. Only those to count are sent. */
export async function uncountedBehind(
  store: Store,
  tenant: TenantId,
  at: string,
): Promise<WalkedConversations> {
  const { col, key, range, parts } = store.collection(tenant, CONVERSATION_SEQS);
  const { $gt: first, $lt: last } = range();
  const from = at === '' ? first : key(at);
  // Where the step ends is read from the index alone.
  const [end] = await col
    .find(
      { _id: { $gt: from, $lt: last } },
      { sort: { _id: 1 }, skip: STEP - 1, limit: 1, projection: { _id: 1 } },
    )
    .toArray();
  const span = end ? { $gt: from, $lte: end._id } : { $gt: from, $lt: last };
  const found = await col
    .find(
      { _id: span, $expr: { $gt: ['$max', { $ifNull: ['$counted', 0] }] } },
      { sort: { _id: 1 }, limit: MOST, batchSize: MOST, projection: { max: 1, counted: 1 } },
    )
    .toArray();
  const idOf = (_id: string) => parts(_id).join(KEY_SEPARATOR);
  const lastFound = found.at(-1);
  const isFull = found.length === MOST;
  return {
    found: found.map(({ _id, max, counted = 0 }) => ({ conversationID: idOf(_id), counted, max })),
    next: isFull && lastFound ? idOf(lastFound._id) : end ? idOf(end._id) : '',
  };
}
