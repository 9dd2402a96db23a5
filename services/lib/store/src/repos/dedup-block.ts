import { Binary, type Collection } from 'mongodb';
import { guarded } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';

/** Dedup keys of a stretch of the log. `_id` begins with the stretch's end, so that it orders by time. */
interface DedupBlockDocument {
  _id: string;
  fromMs: number;
  toMs: number;
  partitions: number[];
  /** See {@link DedupBlock.baseMs}. */
  baseMs: number;
  /** See {@link DedupBlock.keys}. */
  keys: Binary;
}

/** What a block covers: every record of these partitions from `fromMs` on, up to but not including `toMs` (log time). */
export interface DedupStretch {
  readonly fromMs: number;
  readonly toMs: number;
  readonly partitions: readonly number[];
}

/** The dedup keys of a stretch, perhaps with some of `toMs` itself. */
export interface DedupBlock extends DedupStretch {
  /** Log time of the first key. */
  readonly baseMs: number;
  /** Per key {@link DEDUP_ENTRY_BYTES} bytes: the key, then log time − `baseMs` as unsigned 32 bits, big-endian. */
  readonly keys: Uint8Array;
}

/** Bytes of one key in a block. */
export const DEDUP_ENTRY_BYTES = 20;

/**
 * Which dedup keys stood in the log, so that a successor need not read the last
 * twenty minutes of the log for them. Written by transfer alone, for the whole cluster.
 */
export interface DedupBlockRepo {
  /** @param writer name of who writes; with `number` it distinguishes blocks of one end. */
  add(writer: string, number: number, block: DedupBlock): Promise<void>;
  /** Stretches that end later than `sinceMs`, in no order. */
  stretches(sinceMs: number): Promise<DedupStretch[]>;
  /** Blocks that end later than `sinceMs`, in no order, a few at a time. */
  blocks(sinceMs: number): AsyncIterable<DedupBlock>;
  /** Removes what ends before `beforeMs`. */
  removeBefore(beforeMs: number): Promise<void>;
}

/** The dedup blocks of a store. */
export function dedupBlockRepo(store: Store): DedupBlockRepo {
  const col = (): Collection<DedupBlockDocument> => store.shared<DedupBlockDocument>('dedup_block');
  const since = (ms: number) => ({ _id: { $gt: timeKey(ms + 1) } });

  return guarded<DedupBlockRepo>({
    async add(writer, number, { fromMs, toMs, partitions, baseMs, keys }) {
      const _id = `${timeKey(toMs)}:${writer}:${number}`;
      const range = { fromMs, toMs, partitions: [...partitions] };
      await insertNew(col(), { _id, ...range, baseMs, keys: new Binary(keys) });
    },
    async stretches(sinceMs) {
      const docs = await col()
        .find(since(sinceMs), { projection: { keys: 0 } })
        .toArray();
      return docs.map(({ fromMs, toMs, partitions }) => ({ fromMs, toMs, partitions }));
    },
    async *blocks(sinceMs) {
      for await (const doc of col().find(since(sinceMs), { batchSize: 50 })) {
        const { fromMs, toMs, partitions, baseMs, keys } = doc;
        yield { fromMs, toMs, partitions, baseMs, keys: keys.buffer.subarray(0, keys.position) };
      }
    },
    async removeBefore(beforeMs) {
      await col().deleteMany({ _id: { $lt: timeKey(beforeMs) } });
    },
  });
}

/** Milliseconds as text that orders like the number. */
function timeKey(ms: number): string {
  return String(Math.max(0, Math.floor(ms))).padStart(15, '0');
}
