import type { TenantId } from '@im/contract';
import type { UpdateFilter } from 'mongodb';
import { defineCollection, type TenantCollection, type TenantDocument } from '../collection.ts';
import { guarded, retryDuplicate } from '../errors.ts';
import { gatheredReads } from '../gathered-reads.ts';
import type { Store } from '../store.ts';
import { bulkUpsert, byDatabase, type GuardedUpsert, guardedUpserts } from './bulk-writes.ts';
import { documentsOf } from './by-id.ts';

/** The truth about a conversation's seqs; `_id` is tenant and conversation. */
export interface ConversationSeqsDocument extends TenantDocument {
  /** Highest seq; every seq up to it has its row, or had one. */
  max: number;
  /** Position in the log of the last record counted. */
  src: number;
  /** Log time of the highest seq, ms. */
  maxTime: number;
  /** Lowest seq that anyone may read; 0: all. */
  min: number;
  /** Where the log last said that an owner deletes their record of it; absent: never. */
  deleted?: RecordDeletion;
  /** Seqs up to this one are counted by statistics; absent: none. Only cron writes it. */
  counted?: number;
}

/** A place in the log, and its log time in ms, from which on owners may be without their record of a conversation. */
export interface RecordDeletion {
  readonly position: number;
  readonly timeMs: number;
}

/** Collection `conv`; read and written by `_id` alone. */
export const CONVERSATION_SEQS = defineCollection<ConversationSeqsDocument>('conv');

/** Seqs of a conversation. */
export type ConversationSeqsState = Pick<
  ConversationSeqsDocument,
  'max' | 'src' | 'maxTime' | 'min' | 'deleted'
>;

/** The sequence of a conversation, as transfer has counted it. */
export interface ConversationSeqsUpdate {
  readonly tenant: TenantId;
  readonly conversationID: string;
  readonly max: number;
  readonly src: number;
  readonly maxTime: number;
}

/** The write of an update, guarded so that nothing newer is overwritten. */
export function conversationSeqsUpsert(
  { tenant, conversationID, max, src, maxTime }: ConversationSeqsUpdate,
  { key }: Pick<TenantCollection<ConversationSeqsDocument>, 'key'>,
): GuardedUpsert<ConversationSeqsDocument> {
  return {
    filter: { _id: key(conversationID), src: { $not: { $gte: src } } },
    update: { $set: { max, src, maxTime }, $setOnInsert: { t: tenant, min: 0 } },
  };
}

/** Conversations of one tenant. */
interface SeqsQuery {
  readonly tenant: TenantId;
  readonly conversationIDs: readonly string[];
}

/** Repository of the truth about seqs. Never cached: bounds that were served must not go back. */
export type ConversationSeqs = ReturnType<typeof conversationSeqs>;

/** Sequence state of conversations: the truth that seqs are counted from. */
export function conversationSeqs(store: Store) {
  const read = gatheredReads<ConversationSeqsDocument, SeqsQuery, Map<string, ConversationSeqsState>>(store, {
    name: 'conversation-seqs',
    spec: CONVERSATION_SEQS,
    weightOf: ({ conversationIDs }) => conversationIDs.length,
    async read(queries) {
      const keys = queries.map(({ view, query }) => query.conversationIDs.map((id) => view.key(id)));
      const found = await documentsOf(queries[0]?.view, keys);
      return queries.map(({ query }, i) => {
        const states = new Map<string, ConversationSeqsState>();
        for (const [at, conversationID] of query.conversationIDs.entries()) {
          const doc = found.get(keys[i]?.[at] ?? '');
          if (!doc) continue;
          const { max, src, maxTime, min, deleted } = doc;
          states.set(conversationID, { max, src, maxTime, min, ...(deleted ? { deleted } : {}) });
        }
        return states;
      });
    },
  });

  return guarded({
    /** The conversations that exist among these, read from the primary. */
    async get(
      tenant: TenantId,
      conversationIDs: readonly string[],
    ): Promise<Map<string, ConversationSeqsState>> {
      if (conversationIDs.length === 0) return new Map();
      return read({ tenant, conversationIDs });
    },

    /**
     * Stores what was counted. An update that is not newer than what is stored changes nothing,
     * so a late writer does no harm. Resolves when a majority has journaled all.
     */
    async apply(updates: readonly ConversationSeqsUpdate[]): Promise<void> {
      await Promise.all(
        byDatabase(store, CONVERSATION_SEQS, updates).map(({ col, items }) =>
          guardedUpserts(
            col,
            items.map(({ item, view }) => conversationSeqsUpsert(item, view)),
          ),
        ),
      );
    },

    /** Notes that an owner deletes their records of these conversations; an earlier place than before changes nothing. */
    async noteDeletion(
      tenant: TenantId,
      conversationIDs: readonly string[],
      { position, timeMs }: RecordDeletion,
    ): Promise<void> {
      const { col, key } = store.collection(tenant, CONVERSATION_SEQS);
      await guardedUpserts(
        col,
        conversationIDs.map((id) => ({
          filter: { _id: key(id), 'deleted.position': { $not: { $gte: position } } },
          update: {
            $set: { deleted: { position, timeMs } },
            $setOnInsert: { t: tenant, max: 0, src: 0, maxTime: 0, min: 0 },
          },
        })),
      );
    },

    /** Raises the lowest readable seq for everyone; a lower one than before changes nothing. */
    async raiseMin(tenant: TenantId, conversationID: string, min: number): Promise<void> {
      const { col, key } = store.collection(tenant, CONVERSATION_SEQS);
      await retryDuplicate(() =>
        col.updateOne({ _id: key(conversationID) }, risenMin(tenant, min), { upsert: true }),
      );
    },

    /** {@link raiseMin} for many conversations, by id. */
    async raiseMins(tenant: TenantId, mins: ReadonlyMap<string, number>): Promise<void> {
      const { col, key } = store.collection(tenant, CONVERSATION_SEQS);
      const operations = [...mins].map(([conversationID, min]) => ({
        updateOne: {
          filter: { _id: key(conversationID) },
          update: risenMin(tenant, min),
          upsert: true,
        },
      }));
      await bulkUpsert(col, operations);
    },
  });
}

function risenMin(tenant: TenantId, min: number): UpdateFilter<ConversationSeqsDocument> {
  return { $max: { min }, $setOnInsert: { t: tenant, max: 0, src: 0, maxTime: 0 } };
}
