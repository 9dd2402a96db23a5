import type { TenantId } from '@im/contract';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { CONVERSATION_SEQS } from './conversation-seqs.ts';
import { MSG_ROWS } from './msg-row.ts';
import { rowsBySeq } from './rows-by-seq.ts';

/** Bounds of one conversation, for retention. */
export interface ConversationSeqsBounds {
  readonly conversationID: string;
  readonly min: number;
  readonly max: number;
}

/** What retention reads and removes; bounds are raised through {@link ConversationSeqs} first. */
export interface RetentionRepo {
  /** All conversations of the tenant, in key order, without holding them at once. */
  conversations(tenant: TenantId): AsyncIterable<ConversationSeqsBounds>;
  /** Removes the rows of all seqs up to and including `last`, until `signal` ends. @returns how many. */
  removeUpTo(tenant: TenantId, conversationID: string, last: number, signal: AbortSignal): Promise<number>;
}

/** Conversations read at once: worked through well before a server forgets an idle cursor. */
const BATCH = 200;

/** The retention view of a store. */
export function retentionRepo(store: Store): RetentionRepo {
  return guarded<RetentionRepo>({
    conversations(tenant) {
      const { col, range, parts } = store.collection(tenant, CONVERSATION_SEQS);
      // One pass over the whole tenant.
      const cursor = col.find({ _id: range() }, { sort: { _id: 1 }, batchSize: BATCH });
      return cursor.map(({ _id, min, max }) => ({ conversationID: parts(_id)[0] ?? '', min, max }));
    },
    async removeUpTo(tenant, conversationID, last, signal) {
      return rowsBySeq(store.collection(tenant, MSG_ROWS), conversationID).removeUpTo(last, signal);
    },
  });
}
