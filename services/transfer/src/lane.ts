import type { Bus, LogEntry, LogStart } from '@im/bus';
import type { Progress, TogetherWriter } from '@im/store';
import { Batch, conversationsOf, dedupKeyOf, type ReadRecord, readRecord } from './batch.ts';
import { Conversations, type Wanted } from './conversations.ts';
import { DedupRecorder } from './dedup-recorder.ts';
import { LOOK_BACK_MS, REDELIVER_MS, replayBounds, restoreWindow } from './dedup-restore.ts';
import { DedupWindow, windowStart } from './dedup-window.ts';
import { changesMembership, membershipConversations } from './effects.ts';
import { fold } from './fold.ts';
import { LaneCursor } from './lane-cursor.ts';
import { holdsMark, markOf } from './log-epoch.ts';
import { epochOf, toPosition, toStreamPosition } from './positions.ts';
import { RowWriter, type RowWriterDeps } from './row-writer.ts';

/** Parts that every lane uses. */
export interface LaneDeps extends RowWriterDeps {
  readonly bus: Bus;
  readonly maxBatch: number;
  readonly gatherMs: number;
  readonly cursorIntervalMs: number;
}

/** A partition as a lane takes it up. */
export interface TakenPartition {
  readonly partition: number;
  readonly fence: number;
  /** Everything up to here was folded and delivered by somebody. */
  readonly applied: number;
  readonly appliedTime: number;
  /** See {@link Progress.mark}. */
  readonly mark?: string;
  /** The log was set back: what it holds up to `applied` was folded under other positions. */
  readonly setBack?: boolean;
}

/** What a lane begins with. */
export interface LaneStart {
  readonly id: string;
  /** Number that rises from lane to lane in the whole cluster. */
  readonly run: number;
  readonly epoch: number;
  /** Creation time of the stream. */
  readonly createdMs: number;
  readonly partitions: readonly TakenPartition[];
  readonly writers: LaneWriters;
}

/** What a lane writes many documents at once with. */
export interface LaneWriters {
  readonly rows: TogetherWriter;
  readonly reads: TogetherWriter;
}

/** Batches under way behind the one that is folded. */
const MAX_UNDER_WAY = 3;
const MAX_CONVERSATIONS = 200_000;

interface Owned extends TakenPartition {
  readonly redeliverFromMs: number;
}

/**
 * One run over a set of partitions: reads their log in order, folds it, writes rows, then what follows
 * from them, then publishes the deliveries, and moves the cursor. Batches overlap, but each step takes
 * them in log order. Any failure ends the run; the next one starts from the cursor with an empty memory.
 */
export class Lane {
  readonly id: string;
  readonly #deps: LaneDeps;
  readonly #start: LaneStart;
  readonly #owned = new Map<number, Owned>();
  readonly #dedup = new DedupWindow();
  #recorder = new DedupRecorder([], 0);
  readonly #conversations: Conversations;
  readonly #end = new AbortController();
  #effects: Promise<unknown> = Promise.resolve();
  #delivered: Promise<unknown> = Promise.resolve();
  readonly #underWay: Promise<unknown>[] = [];
  readonly #rows: RowWriter;
  readonly #cursor: LaneCursor;
  #failure: unknown;
  #behind = 0;

  constructor(start: LaneStart, deps: LaneDeps) {
    this.id = start.id;
    this.#start = start;
    this.#deps = deps;
    this.#conversations = new Conversations(deps.repos.convs, deps.repos.rows, MAX_CONVERSATIONS);
    for (const taken of start.partitions) {
      const redeliverFromMs = taken.setBack ? Number.POSITIVE_INFINITY : taken.appliedTime - REDELIVER_MS;
      this.#owned.set(taken.partition, { ...taken, redeliverFromMs });
    }
    this.#rows = new RowWriter(deps, start.writers.rows);
    // The slowest of them: no partition may be said to be further than it is.
    const slowest = start.partitions.reduce((least, p) => (p.applied < least.applied ? p : least));
    const { applied, appliedTime, mark } = slowest;
    this.#cursor = new LaneCursor(
      {
        lane: start.id,
        repos: deps.repos,
        reads: start.writers.reads,
        intervalMs: deps.cursorIntervalMs,
        onFailure: (error) => this.#fail(error),
      },
      { applied, appliedTime, ...(mark === undefined ? {} : { mark }) },
    );
  }

  /** Incarnation of the log that its positions belong to. */
  get epoch(): number {
    return this.#start.epoch;
  }

  get partitions(): readonly number[] {
    return [...this.#owned.keys()];
  }

  fenceOf(partition: number): number | undefined {
    return this.#owned.get(partition)?.fence;
  }

  /** Up to where everything of its partitions is folded, delivered and settled. */
  get progress(): Progress {
    return this.#cursor.progress;
  }

  /** Records of its partitions that it had not been given when it was last given some. */
  get behind(): number {
    return this.#behind;
  }

  get sizes(): { readonly dedupKeys: number; readonly conversations: number } {
    return { dedupKeys: this.#dedup.size, conversations: this.#conversations.size };
  }

  /** Works until {@link stop} or a failure. What was accepted before the end is finished. @throws what went wrong. */
  async run(): Promise<void> {
    const { bus, metrics } = this.#deps;
    try {
      await bus.log.read({
        partitions: this.partitions,
        from: await this.#begin(),
        createdMs: this.#start.createdMs,
        maxBatch: this.#deps.maxBatch,
        gatherMs: this.#deps.gatherMs,
        isSame: (info) => holdsMark(bus.log, info, this.#start.epoch, this.progress),
        onBatch: async (entries, behind) => {
          this.#behind = behind;
          metrics.lag.set(behind);
          await this.#take(entries);
        },
        signal: this.#end.signal,
      });
    } finally {
      await Promise.allSettled([this.#effects, this.#delivered, ...this.#underWay]);
      await this.#cursor.end(this.#failure !== undefined);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the run in good order. */
  stop(): void {
    this.#end.abort();
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#end.abort();
  }

  /** Gathers the dedup keys that can matter. @returns where to read from, to learn the rest of them. */
  async #begin(): Promise<LogStart> {
    const { partitions, epoch } = this.#start;
    const { dedupBlocks } = this.#deps.repos;
    const isNew = partitions.some((p) => toStreamPosition(epoch, p.applied) === 0);
    if (isNew) {
      // A stream that was made anew holds nothing of old, but clients may send again what they sent before.
      if (partitions.every((p) => p.applied > 0 && epochOf(p.applied) < epoch)) {
        const last = Math.max(...partitions.map((p) => p.appliedTime));
        const bounds = { fromMs: windowStart(last), limitMs: last + 1 };
        await restoreWindow(this.#dedup, dedupBlocks, this.partitions, bounds);
      }
      this.#recordFrom(0);
      return { position: 1 };
    }
    const oldest = Math.min(...partitions.map((p) => p.appliedTime));
    const timeMs = await restoreWindow(this.#dedup, dedupBlocks, this.partitions, replayBounds(oldest));
    this.#recordFrom(timeMs);
    return { timeMs: timeMs - LOOK_BACK_MS };
  }

  #recordFrom(timeMs: number): void {
    this.#recorder = new DedupRecorder(this.partitions, timeMs);
    this.#cursor.record(this.#recorder);
  }

  async #take(entries: readonly LogEntry[]): Promise<void> {
    const { metrics, repos, bus } = this.#deps;
    const last = entries.at(-1);
    if (last === undefined) return;
    const records = await this.#read(entries);
    const number = await metrics.timed('load', () => this.#conversations.load(this.#wanted(records)));
    const batch = this.#fold(records);
    if (this.#end.signal.aborted) return;
    metrics.batch.observe(entries.length);
    if (batch.effects.changesMembership) {
      await metrics.timed('membership', () => batch.effects.writeMembership(repos));
    }
    if (batch.rows.length > 0) await metrics.timed('rows', () => this.#rows.write(batch));

    const effects = batch.effects.isEmpty
      ? this.#effects
      : this.#effects.then(() => metrics.timed('effects', () => batch.effects.write(repos)));
    this.#effects = effects;
    const delivered = Promise.all([effects, this.#delivered]).then(async () => {
      const deliveries = batch.deliveries();
      if (deliveries.length > 0) await metrics.timed('deliver', () => bus.deliveries.publish(deliveries));
      metrics.deliveries.inc(deliveries.length);
      this.#conversations.written(number);
      // Not earlier: a key that was written down before its record was counted would have it dropped after a crash.
      for (const { record, timeMs } of records) this.#recorder.note(record.dedupKey, timeMs);
      const applied = toPosition(this.#start.epoch, last.position);
      const progress = { applied, appliedTime: last.timeMs, mark: markOf(applied, last) };
      this.#cursor.advance(progress, (reads) => batch.effects.addReadsTo(reads));
    });
    this.#delivered = delivered;
    for (const step of [effects, delivered]) step.catch((error: unknown) => this.#fail(error));
    this.#underWay.push(delivered);
    if (this.#underWay.length >= MAX_UNDER_WAY) await this.#underWay.shift();
  }

  /** Decodes what must be folded; of older entries only the dedup key is noted. */
  async #read(entries: readonly LogEntry[]): Promise<ReadRecord[]> {
    const records: ReadRecord[] = [];
    for (const entry of entries) {
      const owned = this.#owned.get(entry.partition);
      if (owned === undefined) continue;
      const position = toPosition(this.#start.epoch, entry.position);
      if (position <= owned.applied && entry.timeMs < owned.redeliverFromMs) {
        const key = dedupKeyOf(entry.record);
        if (key) {
          this.#dedup.seen(key, entry.timeMs);
          this.#recorder.note(key, entry.timeMs);
        }
        continue;
      }
      try {
        const delivered = position <= owned.applied;
        const read = readRecord(entry, { position, fence: owned.fence, run: this.#start.run, delivered });
        records.push(read);
      } catch (error) {
        await this.#rows.bury(entry, position, -1, error instanceof Error ? error.message : String(error));
      }
    }
    return records;
  }

  *#wanted(records: readonly ReadRecord[]): Iterable<Wanted> {
    for (const read of records) {
      const { record, tenant, position } = read;
      const membership = changesMembership(record) ? membershipConversations(record.groupID) : [];
      for (const conversationID of conversationsOf(read, membership))
        yield { tenant, conversationID, position };
    }
  }

  #fold(records: readonly ReadRecord[]): Batch {
    const { metrics } = this.#deps;
    const batch = new Batch();
    for (const read of records) {
      const { tenant, record, position } = read;
      const of = (id: string) => this.#conversations.get(tenant, id);
      const folded = fold(read, this.#dedup, of);
      if (folded === undefined) {
        metrics.records.inc({ outcome: 'duplicate' });
        continue;
      }
      metrics.records.inc({ outcome: 'folded' });
      if (record.control)
        batch.effects.raiseBound(tenant, record.control.conversationID, record.control.minSeq);
      for (const entry of folded) {
        batch.add(read, entry);
        const conversation = entry.entry.stored ? of(entry.entry.conversationID) : undefined;
        batch.effects.entry(tenant, record, entry, conversation);
      }
      if (changesMembership(record)) batch.effects.membership(tenant, record, position, of);
    }
    return batch;
  }
}
