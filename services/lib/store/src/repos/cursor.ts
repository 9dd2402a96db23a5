import { Binary, type Collection, type Filter } from 'mongodb';
import { guarded, isDuplicateKey } from '../errors.ts';
import type { Store } from '../store.ts';

/** Where the fold of one partition stands, and which lane owns it. `_id` is `p` and the partition. */
interface PartitionDocument {
  _id: string;
  kind: 'partition';
  partition: number;
  /** Lane that folds it; empty: nobody. */
  lane: string;
  /** Rises with every change of owner. */
  fence: number;
  /** Everything up to this position was folded and delivered, at the time of the change of owner. */
  applied: number;
  appliedTime: number;
  /** What the log held at `applied`; see {@link Progress.mark}. */
  mark?: string;
}

/** One worker's run over a set of partitions. `_id` is `l` and its id. */
interface LaneDocument {
  _id: string;
  kind: 'lane';
  /** Process that runs it. */
  owner: string;
  /** Rises with every sign of life. */
  beat: number;
  /** Wall-clock time of the last sign of life, ms. */
  aliveAt: number;
  /** Everything of its partitions up to this position was folded and delivered. */
  applied: number;
  appliedTime: number;
  /** What the log held at `applied`; see {@link Progress.mark}. */
  mark?: string;
  /** Database sessions that it works with; whoever takes over after its death ends them. */
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

/** Numbers of lanes. `_id` is `lanes`. */
interface LaneNumbersDocument {
  _id: string;
  kind: 'lane-numbers';
  last: number;
}

type CursorDocument = PartitionDocument | LaneDocument | EpochDocument | LaneNumbersDocument;

/** A partition as read. */
export type PartitionCursor = Omit<PartitionDocument, '_id' | 'kind'>;
/** A lane as read. */
export type LaneCursor = Omit<LaneDocument, '_id' | 'kind' | 'sessions'> & {
  readonly lane: string;
  readonly sessions: readonly Uint8Array[];
};

/** Everything about the progress of the fold. */
export interface Cursors {
  readonly partitions: readonly PartitionCursor[];
  readonly lanes: ReadonlyMap<string, LaneCursor>;
  /** Number of the log's incarnation; 0 before the first. */
  readonly epoch: number;
}

/** A place up to which everything was folded. */
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
 * Progress and ownership of the fold, for the whole cluster: partitions carry all tenants, so this
 * collection stands in the shared database and has no tenant. Written by transfer alone.
 */
export interface CursorRepo {
  /** Makes the partitions that are missing. */
  ensurePartitions(count: number): Promise<void>;
  read(): Promise<Cursors>;
  /** Begins a lane, which others then see alive. */
  openLane(lane: string, owner: string, now: number, sessions: readonly Uint8Array[]): Promise<void>;
  /** A number above those of all lanes before. */
  nextLaneNumber(): Promise<number>;
  /** A sign of life, and progress. @returns false when the lane is gone. */
  beat(lane: string, now: number, progress: Progress | undefined): Promise<boolean>;
  /** Writes progress alone. */
  advance(lane: string, progress: Progress): Promise<void>;
  /**
   * Takes partitions that stand as they were read.
   * @returns the partitions that this lane has now, with their new fences.
   */
  claim(lane: string, wanted: readonly PartitionCursor[]): Promise<PartitionCursor[]>;
  /** Gives partitions back, all folded up to `progress`; those of another lane are left alone. */
  release(lane: string, partitions: readonly number[], progress: Progress): Promise<void>;
  /** Ends a lane and gives back what it still has. */
  closeLane(lane: string, progress: Progress): Promise<void>;
  /** Removes lanes that own nothing and were silent for long. */
  removeLanes(lanes: readonly string[]): Promise<void>;
  /**
   * Number of the log's incarnation: 0 for the first stream, one more for each that was made anew or set back.
   * @param setBackFrom the incarnation that the log was found to be set back from, if it was.
   */
  epoch(createdMs: number, setBackFrom?: number): Promise<number>;
}

function progressOf({ applied, appliedTime, mark }: Progress): Progress {
  return { applied, appliedTime, ...(mark === undefined ? {} : { mark }) };
}

const partitionId = (partition: number) => `p${partition}`;
const laneId = (lane: string) => `l${lane}`;

function laneOf({ _id, sessions, ...lane }: LaneDocument): LaneCursor {
  const ids = (sessions ?? []).map((id) => id.buffer.subarray(0, id.position));
  return { ...lane, lane: _id.slice(1), sessions: ids };
}

/** The cursors of a store. */
export function cursorRepo(store: Store): CursorRepo {
  const col = (): Collection<CursorDocument> => store.shared<CursorDocument>('cursor');

  async function read(): Promise<Cursors> {
    const docs = await col().find({}).toArray();
    const partitions: PartitionCursor[] = [];
    const lanes = new Map<string, LaneCursor>();
    let epoch = 0;
    for (const doc of docs) {
      if (doc.kind === 'partition') partitions.push(doc);
      else if (doc.kind === 'lane') lanes.set(doc._id.slice(1), laneOf(doc));
      else if (doc.kind === 'epoch') epoch = doc.epoch;
    }
    return { partitions: partitions.sort((a, b) => a.partition - b.partition), lanes, epoch };
  }

  /** Progress first: a partition that is free has all that its lane did. */
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
    async nextLaneNumber() {
      const _id = 'lanes';
      for (;;) {
        const found = await col().findOne({ _id });
        const last = found?.kind === 'lane-numbers' ? found.last : 0;
        try {
          if (!found) {
            await col().insertOne({ _id, kind: 'lane-numbers', last: 1 });
            return 1;
          }
          const { matchedCount } = await col().updateOne({ _id, last }, { $set: { last: last + 1 } });
          if (matchedCount === 1) return last + 1;
        } catch (error) {
          if (!isDuplicateKey(error)) throw error;
        }
      }
    },
    async openLane(lane, owner, now, sessions) {
      const doc: LaneDocument = {
        _id: laneId(lane),
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
    async beat(lane, now, progress) {
      const { matchedCount } = await col().updateOne(
        { _id: laneId(lane) },
        { $inc: { beat: 1 }, $set: { aliveAt: now, ...progress } },
      );
      return matchedCount === 1;
    },
    async advance(lane, progress) {
      // A lane has one writer, so its progress and what belongs to it never go back.
      await col().updateOne({ _id: laneId(lane) }, { $set: { ...progress } });
    },
    async claim(lane, wanted) {
      if (wanted.length === 0) return [];
      await col().bulkWrite(
        wanted.map((p) => ({
          updateOne: {
            filter: { _id: partitionId(p.partition), lane: p.lane, fence: p.fence },
            update: {
              $set: { lane, fence: p.fence + 1, ...progressOf(p) },
            },
          },
        })),
        { ordered: false },
      );
      const ids = wanted.map((p) => partitionId(p.partition));
      const mine = await col()
        .find({ _id: { $in: ids } })
        .toArray();
      return mine.filter((doc) => doc.kind === 'partition').filter((doc) => doc.lane === lane);
    },
    async release(lane, partitions, progress) {
      await giveBack({ _id: { $in: partitions.map(partitionId) }, lane }, progress);
    },
    async closeLane(lane, progress) {
      await giveBack({ kind: 'partition', lane }, progress);
      await col().deleteOne({ _id: laneId(lane) });
    },
    async removeLanes(lanes) {
      await col().deleteMany({ _id: { $in: lanes.map(laneId) } });
    },
    async epoch(createdMs, setBackFrom) {
      const _id = 'epoch';
      for (;;) {
        const found = await col().findOne({ _id });
        if (!found) {
          const first: EpochDocument = { _id, kind: 'epoch', epoch: 0, createdMs };
          try {
            await col().insertOne(first);
            return 0;
          } catch (error) {
            if (!isDuplicateKey(error)) throw error;
            continue;
          }
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
