import type { Bus, LogEntry, LogStart } from '@im/bus';
import type { Logger } from '@im/kit';
import type { Progress, TogetherWriter } from '@im/store';
import { Batch, conversationsOf, dedupKeyOf, type ReadRecord, readRecord } from './batch.ts';
import { Conversations, type Wanted } from './conversations.ts';
import { DedupRecorder } from './dedup-recorder.ts';
import { restoreWindow } from './dedup-restore.ts';
import { DedupWindow, windowStart } from './dedup-window.ts';
import { changesMembership, membershipConversations, type SenderReads } from './effects.ts';
import { fold } from './fold.ts';
import type { TransferMetrics } from './metrics.ts';
import { epochOf, toPosition, toStreamPosition } from './positions.ts';
import type { Repos } from './repos.ts';

/** Parts that every lane uses. */
export interface LaneDeps {
  readonly bus: Bus;
  readonly repos: Repos;
  readonly log: Logger;
  readonly metrics: TransferMetrics;
  readonly maxBatch: number;
  readonly cursorIntervalMs: number;
  /** The database contradicts the log in this partition: it must not be folded any more. */
  readonly onContradiction: (partition: number, detail: string) => void;
}

/** A partition as a lane takes it up. */
export interface TakenPartition {
  readonly partition: number;
  readonly fence: number;
  /** Everything up to here was folded and delivered by somebody. */
  readonly applied: number;
  readonly appliedTime: number;
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

/** Deliveries from this long before the cursor are made again: what is kept of them lives in memory. */
const REDELIVER_MS = 5_000;
/** Dedup keys are written down at most this often, unless there are many. */
const BLOCK_MS = 2_000;
const BLOCK_KEYS = 20_000;
/** Batches under way behind the one that is folded. */
const MAX_UNDER_WAY = 3;
const MAX_CONVERSATIONS = 200_000;

interface Owned extends TakenPartition {
  readonly redeliverFromMs: number;
}

/** The database has another message where the log puts this one. */
export class ContradictionError extends Error {
  override readonly name = 'ContradictionError';
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
  #blocks = 0;
  #blockAt = 0;
  readonly #conversations: Conversations;
  readonly #end = new AbortController();
  #effects: Promise<unknown> = Promise.resolve();
  #delivered: Promise<unknown> = Promise.resolve();
  readonly #underWay: Promise<unknown>[] = [];
  /** Up to where everything is delivered. */
  #delivery: Progress;
  /** Up to where the senders' read positions are written too. */
  #progress: Progress;
  #reads: SenderReads = new Map();
  #failure: unknown;
  #cursorAt = 0;
  #cursorWrite: Promise<void> | undefined;
  #cursorTimer: NodeJS.Timeout | undefined;

  constructor(start: LaneStart, deps: LaneDeps) {
    this.id = start.id;
    this.#start = start;
    this.#deps = deps;
    this.#conversations = new Conversations(deps.repos.convs, deps.repos.rows, MAX_CONVERSATIONS);
    for (const taken of start.partitions) {
      const redeliverFromMs = taken.setBack ? Number.POSITIVE_INFINITY : taken.appliedTime - REDELIVER_MS;
      this.#owned.set(taken.partition, { ...taken, redeliverFromMs });
    }
    // The slowest of them: no partition may be said to be further than it is.
    this.#progress = start.partitions.reduce<Progress>(
      (least, p) => (p.applied < least.applied ? p : least),
      { applied: Number.POSITIVE_INFINITY, appliedTime: 0 },
    );
    this.#delivery = this.#progress;
  }

  get partitions(): readonly number[] {
    return [...this.#owned.keys()];
  }

  fenceOf(partition: number): number | undefined {
    return this.#owned.get(partition)?.fence;
  }

  /** Up to where everything of its partitions is folded, delivered and settled. */
  get progress(): Progress {
    const { applied, appliedTime } = this.#progress;
    return { applied, appliedTime };
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
        onBatch: async (entries, behind) => {
          metrics.lag.set(behind);
          await this.#take(entries);
        },
        signal: this.#end.signal,
      });
    } finally {
      await Promise.allSettled([this.#effects, this.#delivered, ...this.#underWay]);
      clearTimeout(this.#cursorTimer);
      await this.#cursorWrite;
      if (this.#failure === undefined) await this.#settle();
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
      this.#recorder = new DedupRecorder(this.partitions, 0);
      return { position: 1 };
    }
    const oldest = Math.min(...partitions.map((p) => p.appliedTime));
    const limitMs = oldest - REDELIVER_MS;
    const fromMs = Math.min(windowStart(oldest), limitMs);
    const timeMs = await restoreWindow(this.#dedup, dedupBlocks, this.partitions, { fromMs, limitMs });
    this.#recorder = new DedupRecorder(this.partitions, timeMs);
    return { timeMs };
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
    if (batch.rows.length > 0) await metrics.timed('rows', () => this.#count(batch));

    const effects = batch.effects.isEmpty
      ? this.#effects
      : this.#effects.then(() => metrics.timed('effects', () => batch.effects.write(repos)));
    this.#effects = effects;
    const delivered = Promise.all([effects, this.#delivered]).then(async () => {
      const deliveries = batch.deliveries();
      if (deliveries.length > 0) await metrics.timed('deliver', () => bus.deliveries.publish(deliveries));
      metrics.deliveries.inc(deliveries.length);
      this.#conversations.written(number);
      batch.effects.addReadsTo(this.#reads);
      this.#advance({ applied: toPosition(this.#start.epoch, last.position), appliedTime: last.timeMs });
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
        this.#recorder.note(read.record.dedupKey, entry.timeMs);
        records.push(read);
      } catch (error) {
        await this.#bury(entry, position, -1, error instanceof Error ? error.message : String(error));
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

  /** Writes rows, and then what became of their conversations: at once where the database can, else step by step. */
  async #count(batch: Batch): Promise<void> {
    const { repos, metrics } = this.#deps;
    const updates = batch.effects.convUpdates();
    const rows = batch.rows.map(({ row }) => row);
    if (await repos.fold.commit(this.#start.writers.rows, rows, updates)) {
      metrics.rows.inc(rows.length);
      return;
    }
    await this.#insert(batch);
    await repos.convs.apply(updates);
  }

  /** Writes the rows. What the database refuses for good gets an empty row and a dead letter. */
  async #insert(batch: Batch): Promise<void> {
    const { repos, metrics, onContradiction } = this.#deps;
    const outcomes = await repos.rows.insert(batch.rows.map(({ row }) => row));
    metrics.rows.inc(batch.rows.length);
    for (const [i, outcome] of outcomes.entries()) {
      const of = batch.rows[i];
      if (outcome.kind === 'stored' || of === undefined) continue;
      const { row, read, folded } = of;
      const name = `${row.conversationID} seq ${row.seq}`;
      if (outcome.kind === 'conflict') {
        const detail = `${name} of position ${row.position} is taken by position ${outcome.existingPosition}`;
        onContradiction(read.partition, detail);
        throw new ContradictionError(detail);
      }
      batch.withhold(folded);
      await this.#bury(read.entry, row.position, folded.index, outcome.reason);
      const [empty] = await repos.rows.insert([{ ...row, msgData: undefined }]);
      if (empty?.kind !== 'stored') throw new Error(`no placeholder for ${name}: ${empty?.kind}`);
    }
  }

  async #bury(entry: LogEntry, position: number, index: number, reason: string): Promise<void> {
    const { repos, log, metrics } = this.#deps;
    const { tenant, partition } = entry;
    log.error(
      { tenant, partition, position, entry: index, reason },
      'a record cannot be stored; kept as a dead letter',
    );
    metrics.deadLetters.inc();
    await repos.deadLetters.add({ tenant, position, entry: index, reason, record: entry.record });
  }

  #advance(progress: Progress): void {
    this.#delivery = progress;
    if (this.#cursorWrite !== undefined || this.#cursorTimer !== undefined) return;
    const wait = this.#cursorAt + this.#deps.cursorIntervalMs - performance.now();
    if (wait <= 0) this.#writeCursor();
    else {
      this.#cursorTimer = setTimeout(() => {
        this.#cursorTimer = undefined;
        this.#writeCursor();
      }, wait);
    }
  }

  #writeCursor(): void {
    this.#cursorAt = performance.now();
    this.#cursorWrite = this.#settle()
      .then(() => this.#deps.repos.cursors.advance(this.id, this.#progress))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => {
        this.#cursorWrite = undefined;
        if (this.#delivery.applied > this.#progress.applied && !this.#end.signal.aborted)
          this.#advance(this.#delivery);
      });
  }

  /** Writes the dedup keys seen since the last time, unless that was just now. */
  async #writeBlock(): Promise<void> {
    const now = performance.now();
    if (now - this.#blockAt < BLOCK_MS && this.#recorder.pending < BLOCK_KEYS) return;
    this.#blockAt = now;
    const block = this.#recorder.take();
    if (block) await this.#deps.repos.dedupBlocks.add(this.id, ++this.#blocks, block);
  }

  /** Writes the read positions of what is delivered so far: the cursor must not pass them. */
  async #settle(): Promise<void> {
    await this.#writeBlock();
    const delivered = this.#delivery;
    const reads = [...this.#reads.values()];
    this.#reads = new Map();
    if (reads.length > 0) await this.#deps.repos.seqUsers.raiseRead(reads, this.#start.writers.reads);
    this.#progress = delivered;
  }
}
