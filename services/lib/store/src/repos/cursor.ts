import { Binary, type Collection, type Filter } from 'mongodb';
import { guarded, isDuplicateKey } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';

/** Where the work on one partition stands, and which consumer owns it. `_id` is `p` and the partition. */
interface PartitionDocument {
  _id: string;
  kind: 'partition';
  partition: number;
  /** Consumer that owns it; empty when none does. */
  lane: string;
  /** Rises with every change of owner. */
  fence: number;
  /** Everything up to this position was folded and delivered, at the time of the change of owner. */
  applied: number;
  appliedTime: number;
  /** What the log held at `applied`; see {@link Progress.mark}. */
  mark?: string;
}

/** A process's consumer of a set of partitions. `_id` is `l` and its id. */
interface ConsumerDocument {
  _id: string;
  kind: 'lane';
  /** Process that runs it. */
  owner: string;
  /** Rises with every renewal of its lease. */
  beat: number;
  /** Wall-clock time of the last renewal, ms. */
  aliveAt: number;
  /** Everything of its partitions up to this position was folded and delivered. */
  applied: number;
  appliedTime: number;
  /** What the log held at `applied`; see {@link Progress.mark}. */
  mark?: string;
  /** Database sessions that it works with; a successor ends them after its death. */
  sessions: Binary[];
}

/** Which incarnation of the log positions belong to. `_id` is `epoch`. */
interface EpochDocument {
  _id: string;
  kind: 'epoch';
  epoch: number;
  /** Creation time of the stream, ms. */
  createdMs: number;
}

/** The newest generation of consumers. `_id` is `lanes`. */
interface GenerationDocument {
  _id: string;
  kind: 'lane-numbers';
  last: number;
}

type CursorDocument = PartitionDocument | ConsumerDocument | EpochDocument | GenerationDocument;

/** A partition as read. */
export type PartitionCursor = Omit<PartitionDocument, '_id' | 'kind' | 'lane'> & {
  /** Id of the consumer that owns it; empty when none does. */
  readonly consumer: string;
};
/** A consumer as read. */
export type ConsumerCursor = Omit<ConsumerDocument, '_id' | 'kind' | 'beat' | 'sessions'> & {
  readonly consumer: string;
  /** How often its lease was renewed. */
  readonly renewals: number;
  readonly sessions: readonly Uint8Array[];
};

/** Ownership and progress of all partitions. */
export interface Cursors {
  readonly partitions: readonly PartitionCursor[];
  readonly consumers: ReadonlyMap<string, ConsumerCursor>;
  /** Number of the log's incarnation; 0 before the first. */
  readonly epoch: number;
}

/** A place in the log up to which everything was processed. */
export interface Progress {
  readonly applied: number;
  readonly appliedTime: number;
  /**
   * Names the record that the log held at a position, which it begins with: a log that lost its tail and grew again
   * holds another one there. Absent, or of another position, when a version before wrote the progress.
   */
  readonly mark?: string;
}

/**
 * Ownership and progress of partitions, for the whole cluster: partitions carry all tenants, so this
 * collection is in the shared database and has no tenant. Written by transfer alone.
 */
export interface CursorRepo {
  /** Makes the partitions that are missing. */
  ensurePartitions(count: number): Promise<void>;
  read(): Promise<Cursors>;
  /** Registers a consumer, which others then see alive. */
  openConsumer(consumer: string, owner: string, now: number, sessions: readonly Uint8Array[]): Promise<void>;
  /** A number above those of all consumers before. */
  nextGeneration(): Promise<number>;
  /** Renews the lease of a consumer. @returns false when the consumer is gone. */
  renewLease(consumer: string, now: number): Promise<boolean>;
  /** Writes progress alone. */
  advance(consumer: string, progress: Progress): Promise<void>;
  /**
   * Takes partitions that are unchanged since they were read.
   * @returns the partitions that this consumer has now, with their new fences.
   */
  claim(consumer: string, wanted: readonly PartitionCursor[]): Promise<PartitionCursor[]>;
  /** Gives partitions back, all processed up to `progress`; those of another consumer are left alone. */
  release(consumer: string, partitions: readonly number[], progress: Progress): Promise<void>;
  /** Removes a consumer and gives back what it still has. */
  closeConsumer(consumer: string, progress: Progress): Promise<void>;
  /** Removes consumers that own nothing and were silent for long. */
  removeConsumers(consumers: readonly string[]): Promise<void>;
  /**
   * Number of the log's incarnation: 0 for the first stream, one more for each that was recreated or set back.
   * @param setBackFrom the incarnation that the log was found to be set back from, if it was.
   */
  epoch(createdMs: number, setBackFrom?: number): Promise<number>;
}

function progressOf({ applied, appliedTime, mark }: Progress): Progress {
  return { applied, appliedTime, ...(mark === undefined ? {} : { mark }) };
}

const partitionId = (partition: number) => `p${partition}`;
const consumerId = (consumer: string) => `l${consumer}`;

function partitionOf({ _id, kind, lane, ...rest }: PartitionDocument): PartitionCursor {
  return { ...rest, consumer: lane };
}

function consumerOf({ _id, kind, beat, sessions, ...rest }: ConsumerDocument): ConsumerCursor {
  const ids = (sessions ?? []).map((id) => id.buffer.subarray(0, id.position));
  return { ...rest, consumer: _id.slice(1), renewals: beat, sessions: ids };
}

/** The cursors of a store. */
export function cursorRepo(store: Store): CursorRepo {
  const col = (): Collection<CursorDocument> => store.shared<CursorDocument>('cursor');

  async function read(): Promise<Cursors> {
    const docs = await col().find({}).toArray();
    const partitions: PartitionCursor[] = [];
    const consumers = new Map<string, ConsumerCursor>();
    let epoch = 0;
    for (const doc of docs) {
      if (doc.kind === 'partition') partitions.push(partitionOf(doc));
      else if (doc.kind === 'lane') consumers.set(doc._id.slice(1), consumerOf(doc));
      else if (doc.kind === 'epoch') epoch = doc.epoch;
    }
    return { partitions: partitions.sort((a, b) => a.partition - b.partition), consumers, epoch };
  }

  /** Progress first: a partition that is free has all that its consumer did. */
  async function giveBack(filter: Filter<CursorDocument>, progress: Progress): Promise<void> {
    const behind = { ...filter, applied: { $lt: progress.applied } } as Filter<CursorDocument>;
    await col().updateMany(behind, { $set: { ...progressOf(progress) } });
    await col().updateMany(filter, { $set: { lane: '' } });
  }

  return guarded<CursorRepo>({
    read,
    async ensurePartitions(count) {
      const docs = Array.from({ length: count }, (_, partition): PartitionDocument => {
        return {
          _id: partitionId(partition),
          kind: 'partition',
          partition,
          lane: '',
          fence: 0,
          applied: 0,
          appliedTime: 0,
        };
      });
      try {
        await col().insertMany(docs, { ordered: false });
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    },
    async nextGeneration() {
      const _id = 'lanes';
      for (;;) {
        const found = await col().findOne({ _id });
        const last = found?.kind === 'lane-numbers' ? found.last : 0;
        if (!found) {
          if (await insertNew(col(), { _id, kind: 'lane-numbers', last: 1 })) return 1;
          continue;
        }
        const { matchedCount } = await col().updateOne({ _id, last }, { $set: { last: last + 1 } });
        if (matchedCount === 1) return last + 1;
      }
    },
    async openConsumer(consumer, owner, now, sessions) {
      const doc: ConsumerDocument = {
        _id: consumerId(consumer),
        kind: 'lane',
        owner,
        beat: 0,
        aliveAt: now,
        applied: 0,
        appliedTime: 0,
        sessions: sessions.map((id) => new Binary(id)),
      };
      await col().insertOne(doc);
    },
    async renewLease(consumer, now) {
      const { matchedCount } = await col().updateOne(
        { _id: consumerId(consumer) },
        { $inc: { beat: 1 }, $set: { aliveAt: now } },
      );
      return matchedCount === 1;
    },
    async advance(consumer, progress) {
      // A consumer has one writer, so its progress and what belongs to it never go back.
      await col().updateOne({ _id: consumerId(consumer) }, { $set: { ...progress } });
    },
    async claim(consumer, wanted) {
      if (wanted.length === 0) return [];
      await col().bulkWrite(
        wanted.map((p) => ({
          updateOne: {
            filter: { _id: partitionId(p.partition), lane: p.consumer, fence: p.fence },
            update: {
              $set: { lane: consumer, fence: p.fence + 1, ...progressOf(p) },
            },
          },
        })),
        { ordered: false },
      );
      const ids = wanted.map((p) => partitionId(p.partition));
      const mine = await col()
        .find({ _id: { $in: ids } })
        .toArray();
      return mine
        .filter((doc) => doc.kind === 'partition')
        .filter((doc) => doc.lane === consumer)
        .map(partitionOf);
    },
    async release(consumer, partitions, progress) {
      await giveBack({ _id: { $in: partitions.map(partitionId) }, lane: consumer }, progress);
    },
    async closeConsumer(consumer, progress) {
      await giveBack({ kind: 'partition', lane: consumer }, progress);
      await col().deleteOne({ _id: consumerId(consumer) });
    },
    async removeConsumers(consumers) {
      await col().deleteMany({ _id: { $in: consumers.map(consumerId) } });
    },
    async epoch(createdMs, setBackFrom) {
      const _id = 'epoch';
      for (;;) {
        const found = await col().findOne({ _id });
        if (!found) {
          const first: EpochDocument = { _id, kind: 'epoch', epoch: 0, createdMs };
          if (await insertNew(col(), first)) return 0;
          continue;
        }
        if (found.kind !== 'epoch') throw new TypeError('the epoch document has another shape');
        if (found.createdMs === createdMs && found.epoch !== setBackFrom) return found.epoch;
        const { matchedCount } = await col().updateOne(
          { _id, epoch: found.epoch },
          { $set: { epoch: found.epoch + 1, createdMs } },
        );
        if (matchedCount === 1) return found.epoch + 1;
      }
    },
  });
}
