import type { TenantId } from '@im/kit';
import { guarded } from '../errors.ts';
import type { Store } from '../store.ts';
import { CONVS } from './conv.ts';
import { MSG_ROWS, seqKey } from './msg-row.ts';

/** Bounds of one conversation, for retention. */
export interface ConvBounds {
  readonly conversationID: string;
  readonly min: number;
  readonly max: number;
}

/** What retention reads and removes; bounds are raised through {@link Convs} first. */
export interface RetentionRepo {
  /** Conversations in key order after this one ('' begins), at most `limit`. */
  conversationsAfter(tenant: TenantId, conversationID: string, limit: number): Promise<ConvBounds[]>;
  /** Removes rows of seqs up to and including `seq`, at most `limit` of them. @returns how many. */
  removeUpTo(tenant: TenantId, conversationID: string, seq: number, limit: number): Promise<number>;
}

/** The retention view of a store. */
export function retentionRepo(store: Store): RetentionRepo {
  return guarded<RetentionRepo>({
    async conversationsAfter(tenant, conversationID, limit) {
      const { col, key, range, parts } = store.collection(tenant, CONVS);
      const _id = conversationID === '' ? range() : { $gt: key(conversationID), $lt: range().$lt };
      const docs = await col.find({ _id }, { sort: { _id: 1 }, limit }).toArray();
      return docs.map((doc) => ({ conversationID: parts(doc._id)[0] ?? '', min: doc.min, max: doc.max }));
    },
    async removeUpTo(tenant, conversationID, seq, limit) {
      const { col, key, range } = store.collection(tenant, MSG_ROWS);
      const _id = { $gt: range(conversationID).$gt, $lte: key(conversationID, seqKey(seq)) };
      const docs = await col.find({ _id }, { sort: { _id: 1 }, limit, projection: { _id: 1 } }).toArray();
      if (docs.length === 0) return 0;
      const { deletedCount } = await col.deleteMany({ _id: { $in: docs.map((d) => d._id) } });
      return deletedCount;
    },
  });
}
