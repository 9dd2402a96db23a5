import type { TenantId } from '@im/contract';
import { defineCollection, type TenantDocument } from '../collection.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';
import { CONVERSATION_SEQS } from './conversation-seqs.ts';
import { type DayCounts, insertParts, STAT_PARTS } from './stat-part.ts';

/** The messages of a batch, and how far it got. */
export interface StatBatch {
  readonly days: readonly DayCounts[];
  /** Conversations whose messages were counted, up to the seq at the same position. */
  readonly counted: { readonly ids: string[]; readonly seqs: number[] };
  /** The conversation that the pass goes on behind; empty at the end of a pass. */
  readonly at: string;
}

/** How far the messages of a tenant are counted. `_id` = tenant, `messages`. */
export interface StatStateDocument extends TenantDocument {
  v: 1;
  /** Number of the last batch. */
  batch: number;
  /** That batch, until all its documents are written. */
  pending?: StatBatch;
  /** As in {@link StatBatch}. */
  at: string;
  /** When the pass under way began, ms; 0 for none. */
  passFrom: number;
  /** When the last pass that came to its end began, ms; 0 for none: messages logged before are counted. */
  countedTo: number;
  /** Messages counted since the first batch. */
  total: number;
  /** Days whose figures have to be added up again. */
  dirty: number[];
}

/** Collection of how far statistics are counted; the statistics job of cron alone writes it. */
export const STAT_STATES = defineCollection<StatStateDocument>('stat_state');

const ID = 'messages';
/** Watermarks in one command: others use these documents, too. */
const MARKS_AT_ONCE = 200;

/** How far the messages of a tenant are counted. */
export type StatState = Omit<StatStateDocument, '_id' | 't' | 'v' | 'pending'> & {
  readonly isPending: boolean;
};

const NOTHING_COUNTED: Omit<StatState, 'isPending'> = {
  batch: 0,
  at: '',
  passFrom: 0,
  countedTo: 0,
  total: 0,
  dirty: [],
};

/**
 * The batches in which messages are counted. A batch is one write, which names the one before: of two processes one
 * makes it. What follows from it is written by documents that can be written again, by any process.
 */
export function statBatches(store: Store, tenant: TenantId) {
  const { col, key } = store.collection(tenant, STAT_STATES);
  const _id = key(ID);

  /** Changes the state, unless there was another batch since. @returns false when there was. */
  async function change(batch: number, set: Partial<StatStateDocument>): Promise<boolean> {
    const filter = { _id, batch, pending: { $exists: false } };
    const { matchedCount } = await col.updateOne(filter, { $set: set });
    if (matchedCount === 1) return true;
    if (batch > 0) return false;
    return insertNew(col, { _id, t: tenant, v: 1, ...NOTHING_COUNTED, dirty: [], ...set });
  }

  return {
    async state(): Promise<StatState> {
      const projection = { batch: 1, at: 1, passFrom: 1, countedTo: 1, total: 1, dirty: 1, 'pending.at': 1 };
      const found = await col.findOne({ _id }, { projection });
      if (!found) return { ...NOTHING_COUNTED, isPending: false };
      const { batch, at, passFrom, countedTo, total, dirty, pending } = found;
      return { batch, at, passFrom, countedTo, total, dirty, isPending: pending !== undefined };
    },

    /** Makes the batch that follows a state. @returns false when another process made one. */
    async begin(state: StatState, pending: StatBatch, passFrom: number): Promise<boolean> {
      const messages = pending.days.reduce((sum, one) => sum + one.single + one.group + one.notification, 0);
      return change(state.batch, {
        batch: state.batch + 1,
        pending,
        at: pending.at,
        passFrom,
        total: state.total + messages,
        dirty: [...new Set([...state.dirty, ...pending.days.map(({ day }) => day)])],
      });
    },

    /** Writes what follows from the last batch, if that is not done. */
    async apply(): Promise<void> {
      const found = await col.findOne({ _id }, { projection: { batch: 1, pending: 1 } });
      if (!found?.pending) return;
      const { batch, pending } = found;
      await insertParts(store.collection(tenant, STAT_PARTS), batch, pending.days);
      const conversations = store.collection(tenant, CONVERSATION_SEQS);
      const { ids, seqs } = pending.counted;
      for (let from = 0; from < ids.length; from += MARKS_AT_ONCE) {
        const marks = ids.slice(from, from + MARKS_AT_ONCE).map((id, i) => ({
          updateOne: {
            filter: { _id: conversations.key(id) },
            update: { $max: { counted: seqs[from + i] ?? 0 } },
          },
        }));
        await conversations.col.bulkWrite(marks, { ordered: false });
      }
      await col.updateOne({ _id, batch }, { $unset: { pending: '' } });
    },

    /** Notes how far a pass came without messages to count. @returns false when another process made a batch. */
    async note(state: StatState, set: Partial<Pick<StatState, 'at' | 'passFrom' | 'countedTo' | 'dirty'>>) {
      return change(state.batch, set);
    },
  };
}
