import type { Bus, LogEntry, LogStart } from '@im/bus';
import { messageOf, type Tracing } from '@im/kit';
import { dedupKeyOf } from '@im/protocol';
import type { GroupCommitWriter, ParkedUnit, Progress } from '@im/store';
import { type Batch, type ReadRecord, readRecord } from './batch.ts';
import { BatchTrace, timedStage } from './batch-trace.ts';
import { Conversations } from './conversations.ts';
import { DedupRecorder } from './dedup-recorder.ts';
import { LOOK_BACK_MS, REDELIVER_MS, replayBounds, restoreWindow } from './dedup-restore.ts';
import { DedupWindow, windowStart } from './dedup-window.ts';
import { FailureIsolation } from './failure-isolation.ts';
import { foldBatch, isNew, NO_DUPLICATES, wantedConversations } from './fold-batch.ts';
import { withLargeLast } from './large-last.ts';
import { epochOf, holdsMark, markOf, toPosition, toStreamPosition } from './log-epoch.ts';
import type { ParkedCounts } from './parking.ts';
import { ProgressWriter } from './progress-writer.ts';
import { RowWriter, type RowWriterDeps } from './row-writer.ts';

/** What every consumer of a process uses. */
export interface ConsumerDeps extends RowWriterDeps {
  readonly bus: Bus;
  readonly maxBatch: number;
  readonly gatherMs: number;
  readonly cursorIntervalMs: number;
  readonly tracing: Tracing;
}

/** A partition as a consumer takes it over. */
export interface TakenPartition {
  readonly partition: number;
  readonly fence: number;
  /** Everything up to here was folded and delivered before. */
  readonly applied: number;
  readonly appliedTime: number;
  /** {@link Progress.mark} */
  readonly mark?: string;
  /** The log was set back: what it holds up to `applied` was folded under other positions. */
  readonly setBack?: boolean;
}

/** Where a consumer starts. */
export interface ConsumerStart {
  readonly id: string;
  /** Rises from consumer to consumer in the whole cluster. */
  readonly generation: number;
  readonly epoch: number;
  /** Creation time of the stream. */
  readonly createdMs: number;
  readonly partitions: readonly TakenPartition[];
  readonly writers: ConsumerWriters;
  /**
   * Something failed before that may concern one tenant alone: for a while each tenant's records are folded
   * apart, and parked when they fail.
   */
  readonly isolate: boolean;
  /** What is known to fail: its records are parked from the beginning. */
  readonly park: readonly ParkedUnit[];
}

/** Group commits of a consumer. */
export interface ConsumerWriters {
  readonly rows: GroupCommitWriter;
  readonly reads: GroupCommitWriter;
}

/** Batches under way behind the one that is folded. */
const MAX_UNDER_WAY = 3;
const MAX_CONVERSATIONS = 200_000;
interface Owned extends TakenPartition {
  readonly redeliverFromMs: number;
}

/**
 * Consumes a set of partitions: reads their log in order, folds it, writes rows, then what follows
 * from them, then publishes the deliveries, and moves the cursor. Batches overlap, but each step takes
 * them in log order. Any failure ends it; the next one starts from the cursor with an empty memory,
 * and folds each tenant's records apart for a while, so that what fails for one is parked and harms no other.
 */
export class PartitionConsumer {
  readonly id: string;
  readonly #deps: ConsumerDeps;
  readonly #start: ConsumerStart;
  readonly #owned = new Map<number, Owned>();
  readonly #dedup = new DedupWindow();
  #recorder = new DedupRecorder([], 0);
  readonly #conversations: Conversations;
  readonly #end = new AbortController();
  #effects: Promise<unknown> = Promise.resolve();
  #delivered: Promise<unknown> = Promise.resolve();
  readonly #underWay: Promise<unknown>[] = [];
  readonly #rows: RowWriter;
  readonly #cursor: ProgressWriter;
  readonly #isolation: FailureIsolation;
  #retrying: Promise<void> = Promise.resolve();
  #failure: unknown;
  #behind = 0;

  constructor(start: ConsumerStart, deps: ConsumerDeps) {
    this.id = start.id;
    this.#start = start;
    this.#deps = deps;
    this.#conversations = new Conversations(deps.repos.conversationSeqs, deps.repos.rows, MAX_CONVERSATIONS);
    for (const taken of start.partitions) {
      const redeliverFromMs = taken.setBack ? Number.POSITIVE_INFINITY : taken.appliedTime - REDELIVER_MS;
      this.#owned.set(taken.partition, { ...taken, redeliverFromMs });
    }
    this.#rows = new RowWriter(deps, start.writers.rows);
    this.#isolation = new FailureIsolation({
      bus: deps.bus,
      repos: deps.repos,
      log: deps.log,
      metrics: deps.metrics,
      dedup: this.#dedup,
      conversations: this.#conversations,
      maxConversations: MAX_CONVERSATIONS,
      rows: this.#rows,
      reads: start.writers.reads,
      generation: start.generation,
      fenceOf: (partition) => this.fenceOf(partition),
    });
    // The slowest of them: no partition may be said to be further than it is.
    const slowest = start.partitions.reduce((least, p) => (p.applied < least.applied ? p : least));
    const { applied, appliedTime, mark } = slowest;
    this.#cursor = new ProgressWriter(
      {
        consumer: start.id,
        repos: deps.repos,
        log: deps.log,
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

  /** What waits until it can be folded. */
  get parked(): ParkedCounts {
    return this.#isolation.parked;
  }

  get sizes(): { readonly dedupKeys: number; readonly conversations: number } {
    return { dedupKeys: this.#dedup.size, conversations: this.#conversations.size };
  }

  /** Works until {@link stop} or a failure. What was accepted before the end is finished. @throws what went wrong. */
  async run(): Promise<void> {
    const { bus, metrics } = this.#deps;
    try {
      await this.#isolation.takeOver(new Map([...this.#owned.values()].map((o) => [o.partition, o.fence])));
      this.#isolation.expect(this.#start.park);
      if (this.#start.isolate) this.#isolation.activate();
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
      this.#end.abort();
      await Promise.allSettled([this.#retrying, this.#effects, this.#delivered, ...this.#underWay]);
      await this.#cursor.end(this.#failure !== undefined);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Tries what is parked again, as far as its time has come. */
  retryParked(): void {
    if (this.#end.signal.aborted) return;
    this.#retrying = this.#isolation.retry(this.#end.signal) ?? this.#retrying;
  }

  /** Stops it; what was accepted is finished. */
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
      // A recreated stream holds nothing old, but clients may send again what they sent before.
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
    const { metrics, bus, tracing } = this.#deps;
    const last = entries.at(-1);
    if (last === undefined) return;
    const read = await this.#read(entries);
    const trace = tracing.tracer && BatchTrace.of(tracing.tracer, read);
    const records = await this.#isolation.divert(read);
    const applied = toPosition(this.#start.epoch, last.position);
    const progress = { applied, appliedTime: last.timeMs, mark: markOf(applied, last) };
    if (this.#isolation.isActive) {
      const apart = this.#takeApart(records, read, progress);
      trace?.endWith(apart);
      await apart;
      bus.log.announceFolded(entries);
      return;
    }
    metrics.batch.observe(entries.length);
    const batches: Batch[] = [];
    for (const [part, dedup] of this.#partsOf(records)) {
      const batch = await this.#fold(part, dedup, trace);
      if (batch === undefined) return;
      batches.push(batch);
    }
    const delivered = this.#delivered.then(() => {
      // Not earlier: a key that was written down before its record was counted would have it dropped after a crash.
      for (const { record, timeMs } of read) this.#recorder.note(record.dedupKey, timeMs);
      this.#advance(progress, batches);
      bus.log.announceFolded(entries);
    });
    this.#delivered = delivered;
    trace?.endWith(delivered);
    delivered.catch((error: unknown) => this.#fail(error));
    this.#underWay.push(delivered);
    if (this.#underWay.length >= MAX_UNDER_WAY) await this.#underWay.shift();
  }

  /** The parts of a batch that are folded one after the other, and what knows the duplicates in them. */
  *#partsOf(
    records: readonly ReadRecord[],
  ): Iterable<readonly [readonly ReadRecord[], Pick<DedupWindow, 'seen'>]> {
    if (withLargeLast(records).length === 1) {
      yield [records, this.#dedup];
      return;
    }
    // The order of the log decides which of two records is the duplicate.
    const fresh = records.filter((record) => isNew(record, this.#dedup, this.#deps.metrics));
    for (const part of withLargeLast(fresh)) yield [part, NO_DUPLICATES];
  }

  /** Folds records and writes their rows; effects and deliveries follow behind. @returns undefined when the consumer ends. */
  async #fold(
    records: readonly ReadRecord[],
    dedup: Pick<DedupWindow, 'seen'>,
    trace: BatchTrace | undefined,
  ): Promise<Batch | undefined> {
    const { metrics, repos, bus } = this.#deps;
    const number = await timedStage(metrics, trace, 'load', () =>
      this.#conversations.load(wantedConversations(records)),
    );
    const batch = foldBatch(records, this.#conversations, dedup, metrics);
    if (this.#end.signal.aborted) return undefined;
    if (batch.effects.changesMembership) {
      await timedStage(metrics, trace, 'membership', () => batch.effects.writeMembership(repos));
    }
    if (batch.rows.length > 0) await timedStage(metrics, trace, 'rows', () => this.#rows.write(batch));

    const effects = batch.effects.isEmpty
      ? this.#effects
      : this.#effects.then(() => timedStage(metrics, trace, 'effects', () => batch.effects.write(repos)));
    this.#effects = effects;
    const delivered = Promise.all([effects, this.#delivered]).then(async () => {
      const deliveries = batch.deliveries();
      if (deliveries.length > 0)
        await timedStage(metrics, trace, 'deliver', () => bus.deliveries.publish(deliveries));
      metrics.deliveries.inc(deliveries.length);
      this.#conversations.written(number);
    });
    this.#delivered = delivered;
    for (const step of [effects, delivered]) step.catch((error: unknown) => this.#fail(error));
    return batch;
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
        const read = readRecord(entry, {
          position,
          fence: owned.fence,
          generation: this.#start.generation,
          delivered,
        });
        records.push(read);
      } catch (error) {
        await this.#rows.deadLetter(entry, position, -1, messageOf(error));
      }
    }
    return records;
  }

  /** Folds a batch when something failed not long ago. */
  async #takeApart(
    records: readonly ReadRecord[],
    read: readonly ReadRecord[],
    progress: Progress,
  ): Promise<void> {
    const batches = await this.#isolation.foldApart(records);
    for (const { record, timeMs } of read) this.#recorder.note(record.dedupKey, timeMs);
    this.#advance(progress, batches);
  }

  #advance(progress: Progress, batches: readonly Batch[]): void {
    this.#cursor.advance(progress, (reads) => {
      for (const batch of batches) batch.effects.addReadsTo(reads);
    });
  }
}
