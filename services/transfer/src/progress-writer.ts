import type { Logger } from '@im/process';
import type { GroupCommitWriter, Progress } from '@im/store';
import type { DedupRecorder } from './dedup-recorder.ts';
import type { SenderRead, SenderReads } from './effects.ts';
import type { Repos } from './repos.ts';

/** Dedup keys are written down at most this often, unless there are many. */
const BLOCK_MS = 2_000;
const BLOCK_KEYS = 20_000;

export interface ProgressWriterDeps {
  readonly consumer: string;
  readonly repos: Pick<Repos, 'seqUsers' | 'dedupBlocks' | 'cursors' | 'placements'>;
  readonly log: Logger;
  /** Writes many read positions at once. */
  readonly reads: GroupCommitWriter;
  readonly intervalMs: number;
  readonly onFailure: (error: unknown) => void;
}

/**
 * The progress of a consumer, and what may be written a little later than the deliveries but not later
 * than the progress: senders' read positions, many messages of one making one write. With it go the
 * dedup keys for those who take over.
 */
export class ProgressWriter {
  readonly #deps: ProgressWriterDeps;
  /** Up to where everything is delivered. */
  #delivered: Progress;
  /** Up to where everything is written too. */
  #settled: Progress;
  #reads: SenderReads = new Map();
  #recorder: DedupRecorder | undefined;
  #blocks = 0;
  #blockAt = 0;
  #writtenAt = 0;
  #writing: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended = false;

  constructor(deps: ProgressWriterDeps, start: Progress) {
    this.#deps = deps;
    this.#delivered = start;
    this.#settled = start;
  }

  /** Up to where everything is folded, delivered and written. */
  get progress(): Progress {
    return this.#settled;
  }

  /** Has the keys of this recorder written down. */
  record(recorder: DedupRecorder): void {
    this.#recorder = recorder;
  }

  /** Everything up to here is delivered; written down soon, at most every interval. */
  advance(progress: Progress, addReadsTo: (reads: SenderReads) => void): void {
    this.#delivered = progress;
    addReadsTo(this.#reads);
    this.#schedule();
  }

  /** Stops writing, and writes the rest unless `failed`. @throws what the database answers. */
  async end(failed: boolean): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#timer);
    await this.#writing;
    if (!failed) await this.#settle();
  }

  #schedule(): void {
    if (this.#ended || this.#writing !== undefined || this.#timer !== undefined) return;
    const wait = this.#writtenAt + this.#deps.intervalMs - performance.now();
    if (wait <= 0) this.#write();
    else {
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.#write();
      }, wait);
    }
  }

  #write(): void {
    const { repos, consumer, onFailure } = this.#deps;
    this.#writtenAt = performance.now();
    this.#writing = this.#settle()
      .then(() => repos.cursors.advance(consumer, this.#settled))
      .catch(onFailure)
      .finally(() => {
        this.#writing = undefined;
        if (this.#delivered.applied > this.#settled.applied) this.#schedule();
      });
  }

  async #settle(): Promise<void> {
    await this.#writeBlock();
    const delivered = this.#delivered;
    const reads = [...this.#reads.values()];
    this.#reads = new Map();
    if (reads.length > 0) await this.#writeReads(reads);
    this.#settled = delivered;
  }

  /** Leaves out read positions that a tenant's own database does not take: the sender's next message makes up for it. */
  async #writeReads(reads: readonly SenderRead[]): Promise<void> {
    const { repos, reads: writer, log } = this.#deps;
    try {
      await repos.seqUsers.raiseRead(reads, writer);
    } catch {
      for (const [tenant, own] of Map.groupBy(reads, (read) => read.tenant)) {
        try {
          await repos.seqUsers.raiseRead(own, writer);
        } catch (error) {
          if (repos.placements.get(tenant) === 'Shared') throw error;
          log.warn({ tenant, err: error }, "senders' read positions were not written");
        }
      }
    }
  }

  async #writeBlock(): Promise<void> {
    const now = performance.now();
    const pending = this.#recorder?.pending ?? 0;
    if (now - this.#blockAt < BLOCK_MS && pending < BLOCK_KEYS) return;
    this.#blockAt = now;
    const block = this.#recorder?.take();
    if (block) await this.#deps.repos.dedupBlocks.add(this.#deps.consumer, ++this.#blocks, block);
  }
}
