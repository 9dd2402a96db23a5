import type { Bus, LogEntry, LogStart } from '@im/bus';
import type { TenantId } from '@im/contract';
import { dedupKeyOf, ERR, ImError } from '@im/protocol';
import type { GroupCommitWriter, ParkedRecord, ParkedUnit, Placement, Progress } from '@im/store';
import { Batch, conversationsOf, type ReadRecord, readRecord } from './batch.ts';
import { Conversations, type Wanted } from './conversations.ts';
import { LogChangedError } from './counted.ts';
import { DedupRecorder } from './dedup-recorder.ts';
import { LOOK_BACK_MS, REDELIVER_MS, replayBounds, restoreWindow } from './dedup-restore.ts';
import { DedupWindow, windowStart } from './dedup-window.ts';
import { changesMembership, isMark, membershipConversations, type SenderReads } from './effects.ts';
import { fold } from './fold.ts';
import { epochOf, holdsMark, markOf, toPosition, toStreamPosition } from './log-epoch.ts';
import { bareConversationOf, type ParkedCounts, Parking, type Waiting } from './parking.ts';
import { ProgressWriter } from './progress-writer.ts';
import { ContradictionError, RowWriter, type RowWriterDeps } from './row-writer.ts';

/** What every consumer of a process uses. */
export interface ConsumerDeps extends RowWriterDeps {
  readonly bus: Bus;
  readonly maxBatch: number;
  readonly gatherMs: number;
  readonly cursorIntervalMs: number;
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
   * Something failed before, in a way that may be one tenant's fault: for a while each tenant's records are folded
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
/** How long tenants are folded apart after a failure. */
const ISOLATED_MS = 30_000;
/** By log.Record.placement. */
const PLACEMENTS: readonly (Placement | undefined)[] = [undefined, 'Shared', 'Dedicated'];
/** Whether records are repetitions was decided before. */
const NO_REPETITION = { seen: () => false };

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
  readonly #parking: Parking;
  #retrying: Promise<void> = Promise.resolve();
  #isolateUntil = 0;
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
    this.#parking = new Parking({
      parked: deps.repos.parked,
      fenceOf: (partition) => this.fenceOf(partition),
      log: deps.log,
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
    return this.#parking.counts;
  }

  get sizes(): { readonly dedupKeys: number; readonly conversations: number } {
    return { dedupKeys: this.#dedup.size, conversations: this.#conversations.size };
  }

  /** Works until {@link stop} or a failure. What was accepted before the end is finished. @throws what went wrong. */
  async run(): Promise<void> {
    const { bus, metrics } = this.#deps;
    try {
      await this.#parking.takeOver(new Map([...this.#owned.values()].map((o) => [o.partition, o.fence])));
      for (const unit of this.#start.park) this.#parking.expect(unit, 'the database contradicts the log');
      if (this.#start.isolate) this.#isolateUntil = performance.now() + ISOLATED_MS;
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

  /** Begins to try again what is parked, as far as its time has come. */
  retryParked(): void {
    if (this.#parking.isEmpty || this.#end.signal.aborted) return;
    this.#retrying = this.#parking.retry(performance.now(), this.#end.signal, (tenant, partition, records) =>
      this.#foldParked(tenant, partition, records),
    );
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
    const { metrics, repos, bus } = this.#deps;
    const last = entries.at(-1);
    if (last === undefined) return;
    const read = await this.#read(entries);
    const records = await this.#sift(read);
    const applied = toPosition(this.#start.epoch, last.position);
    const progress = { applied, appliedTime: last.timeMs, mark: markOf(applied, last) };
    if (performance.now() < this.#isolateUntil) {
      await this.#takeApart(records, read, progress);
      return;
    }
    const number = await metrics.timed('load', () => this.#conversations.load(this.#wanted(records)));
    const batch = this.#fold(records, this.#conversations, this.#dedup);
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
      for (const { record, timeMs } of read) this.#recorder.note(record.dedupKey, timeMs);
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
        const read = readRecord(entry, {
          position,
          fence: owned.fence,
          generation: this.#start.generation,
          delivered,
        });
        records.push(read);
      } catch (error) {
        await this.#rows.deadLetter(
          entry,
          position,
          -1,
          error instanceof Error ? error.message : String(error),
        );
      }
    }
    return records;
  }

  /** Has records wait that belong to what is parked, or to a tenant of which nothing is known. @returns the others. */
  async #sift(records: readonly ReadRecord[]): Promise<readonly ReadRecord[]> {
    const { placements } = this.#deps.repos;
    let strangers = false;
    for (const { tenant, record } of records) {
      if (placements.get(tenant) !== undefined) continue;
      const placement = PLACEMENTS[record.placement];
      if (placement) placements.remember(tenant, placement);
      else strangers = true;
    }
    if (this.#parking.isEmpty && !strangers) return records;
    return this.#parking.exclusive(async () => {
      const others: ReadRecord[] = [];
      const waiting = new Map<ParkedUnit, ReadRecord[]>();
      for (const read of records) {
        const unit = this.#unitOf(read);
        if (!unit) {
          others.push(read);
        } else if (this.#isNew(read)) {
          const list = waiting.get(unit) ?? [];
          waiting.set(unit, list);
          list.push(read);
        }
      }
      for (const [unit, list] of waiting)
        await this.#parking.park(unit, list, 'the tenant is not known here');
      return others;
    });
  }

  #unitOf({ tenant, record }: ReadRecord): ParkedUnit | undefined {
    if (isMark(record)) return undefined;
    const unit = this.#parking.unitOf(tenant, bareConversationOf(record));
    if (unit || this.#deps.repos.placements.get(tenant) !== undefined) return unit;
    return this.#parking.begin({ tenant, conversation: '' }, 'the tenant is not known here');
  }

  /** Whether a record is no repetition of one that was counted or parked. */
  #isNew({ record, timeMs }: ReadRecord): boolean {
    if (!this.#dedup.seen(record.dedupKey, timeMs)) return true;
    this.#deps.metrics.records.inc({ outcome: 'duplicate' });
    return false;
  }

  /** Folds the records of each tenant apart, one after another, and parks what fails. */
  async #takeApart(
    records: readonly ReadRecord[],
    read: readonly ReadRecord[],
    progress: Progress,
  ): Promise<void> {
    const batches: Batch[] = [];
    for (const [tenant, list] of Map.groupBy(records, (record) => record.tenant)) {
      let rest = list.filter((record) => this.#isNew(record));
      while (rest.length > 0) {
        try {
          batches.push(await this.#write(rest, this.#conversations));
          break;
        } catch (error) {
          this.#conversations.forget(tenant);
          rest = await this.#parkCulprit(tenant, rest, error);
        }
      }
    }
    for (const batch of batches) await this.#deliver(batch);
    for (const { record, timeMs } of read) this.#recorder.note(record.dedupKey, timeMs);
    this.#cursor.advance(progress, (reads) => {
      for (const batch of batches) batch.effects.addReadsTo(reads);
    });
  }

  /** Parks what an error is about. @returns the other records. @throws the error, when it is not about one tenant. */
  async #parkCulprit(
    tenant: TenantId,
    records: readonly ReadRecord[],
    error: unknown,
  ): Promise<ReadRecord[]> {
    // Not about one tenant either: all positions start over.
    if (error instanceof LogChangedError) throw error;
    const unavailable = error instanceof ImError && error.code === ERR.NetworkError;
    // The database of all shared tenants, and of the consumer itself: nothing can be parked there either.
    if (unavailable && this.#deps.repos.placements.get(tenant) === 'Shared') throw error;
    const unit = error instanceof ContradictionError ? error.unit : { tenant, conversation: '' };
    const concerned = (read: ReadRecord) =>
      unit.conversation === '' || bareConversationOf(read.record) === unit.conversation;
    const reason = error instanceof Error ? error.message : String(error);
    const waiting: Waiting[] = records.filter(concerned);
    if (waiting.length === 0) throw error;
    await this.#parking.park(unit, waiting, reason);
    return records.filter((read) => !concerned(read));
  }

  /** Folds records and writes everything that follows from them but deliveries and read positions. */
  async #write(records: readonly ReadRecord[], conversations: Conversations): Promise<Batch> {
    const { metrics, repos } = this.#deps;
    await metrics.timed('load', () => conversations.load(this.#wanted(records)));
    const batch = this.#fold(records, conversations, NO_REPETITION);
    if (batch.effects.changesMembership) {
      await metrics.timed('membership', () => batch.effects.writeMembership(repos));
    }
    if (batch.rows.length > 0) await metrics.timed('rows', () => this.#rows.write(batch));
    if (!batch.effects.isEmpty) await metrics.timed('effects', () => batch.effects.write(repos));
    return batch;
  }

  async #deliver(batch: Batch): Promise<void> {
    const { metrics, bus } = this.#deps;
    const deliveries = batch.deliveries();
    if (deliveries.length > 0) await metrics.timed('deliver', () => bus.deliveries.publish(deliveries));
    metrics.deliveries.inc(deliveries.length);
  }

  async #foldParked(tenant: TenantId, partition: number, parked: readonly ParkedRecord[]): Promise<void> {
    const { repos, metrics } = this.#deps;
    const fence = this.fenceOf(partition) ?? 0;
    const records = parked.map(({ position, timeMs, record }) => {
      const entry: LogEntry = { tenant, partition, position, timeMs, record };
      const place = { position, fence, generation: this.#start.generation, delivered: false };
      return { ...readRecord(entry, place), late: true };
    });
    const batch = await this.#write(
      records,
      new Conversations(repos.conversationSeqs, repos.rows, MAX_CONVERSATIONS),
    );
    await this.#deliver(batch);
    const reads: SenderReads = new Map();
    batch.effects.addReadsTo(reads);
    if (reads.size > 0) await repos.seqUsers.raiseRead([...reads.values()], this.#start.writers.reads);
    metrics.unparked.inc(records.length);
  }

  *#wanted(records: readonly ReadRecord[]): Iterable<Wanted> {
    for (const read of records) {
      const { record, tenant, position, timeMs } = read;
      const membership = changesMembership(record) ? membershipConversations(record.groupID) : [];
      for (const conversationID of conversationsOf(read, membership))
        yield { tenant, conversationID, position, timeMs };
    }
  }

  #fold(
    records: readonly ReadRecord[],
    conversations: Conversations,
    dedup: Pick<DedupWindow, 'seen'>,
  ): Batch {
    const { metrics } = this.#deps;
    const batch = new Batch();
    for (const read of records) {
      const { tenant, record } = read;
      const conversationOf = (id: string) => conversations.get(tenant, id);
      const folded = fold(read, dedup, conversationOf);
      if (folded === undefined) {
        metrics.records.inc({ outcome: 'duplicate' });
        continue;
      }
      metrics.records.inc({ outcome: 'folded' });
      if (record.control)
        batch.effects.raiseBound(tenant, record.control.conversationID, record.control.minSeq);
      if (record.deletedRecords.length > 0)
        batch.effects.deletion(tenant, record.deletedRecords, read, conversationOf);
      for (const entry of folded) {
        batch.add(read, entry);
        const conversation = entry.entry.stored ? conversationOf(entry.entry.conversationID) : undefined;
        batch.effects.entry(tenant, read, entry, conversation);
      }
      if (changesMembership(record)) batch.effects.membership(tenant, read, conversationOf);
    }
    return batch;
  }
}
