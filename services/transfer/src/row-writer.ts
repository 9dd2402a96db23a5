import type { LogEntry } from '@im/bus';
import type { Logger } from '@im/process';
import type { DeadLetter, GroupCommitWriter, ParkedUnit } from '@im/store';
import type { Batch } from './batch.ts';
import type { TransferMetrics } from './metrics.ts';
import { bareConversation } from './parking.ts';
import type { Repos } from './repos.ts';

/** The database has another message where the log puts this one: the conversation must not be folded any more. */
export class ContradictionError extends Error {
  override readonly name = 'ContradictionError';
  readonly unit: ParkedUnit;

  constructor(unit: ParkedUnit, detail: string) {
    super(`the database contradicts the log: ${detail}`);
    this.unit = unit;
  }
}

export interface RowWriterDeps {
  readonly repos: Repos;
  readonly log: Logger;
  readonly metrics: TransferMetrics;
}

/** Writes the rows of a batch, and the sequences of their conversations. */
export class RowWriter {
  readonly #deps: RowWriterDeps;
  readonly #writer: GroupCommitWriter;

  constructor(deps: RowWriterDeps, writer: GroupCommitWriter) {
    this.#deps = deps;
    this.#writer = writer;
  }

  /**
   * Writes rows, and then the sequences of their conversations: with one commit where the database can, else step by step.
   * @throws ContradictionError when another message has the place of one.
   */
  async write(batch: Batch): Promise<void> {
    const { repos, metrics } = this.#deps;
    const updates = batch.effects.conversationSeqsUpdates();
    const rows = batch.rows.map(({ row }) => row);
    if (await repos.fold.commit(this.#writer, rows, updates)) {
      metrics.rows.inc(rows.length);
      return;
    }
    await this.#insert(batch);
    await repos.conversationSeqs.apply(updates);
  }

  /** Keeps a record that cannot be folded or stored as a dead letter. @param index of the entry; -1: all of it. */
  async deadLetter(
    entry: LogEntry,
    position: number,
    index: number,
    reason: string,
    message?: DeadLetter['message'],
  ): Promise<void> {
    const { repos, log, metrics } = this.#deps;
    const { tenant, partition } = entry;
    log.error(
      { tenant, partition, position, entry: index, reason },
      'a record cannot be stored; kept as a dead letter',
    );
    metrics.deadLetters.inc();
    const { record } = entry;
    await repos.deadLetters.add({ tenant, partition, position, entry: index, reason, record, message });
  }

  /** Writes the rows. What the database refuses for good gets an empty row and a dead letter. */
  async #insert(batch: Batch): Promise<void> {
    const { repos, metrics } = this.#deps;
    const outcomes = await repos.rows.insert(batch.rows.map(({ row }) => row));
    metrics.rows.inc(batch.rows.length);
    for (const [i, outcome] of outcomes.entries()) {
      const refused = batch.rows[i];
      if (outcome.kind === 'stored' || refused === undefined) continue;
      const { row, read, folded } = refused;
      const name = `${row.conversationID} seq ${row.seq}`;
      if (outcome.kind === 'conflict') {
        const detail = `${name} of position ${row.position} is taken by position ${outcome.existingPosition}`;
        const conversation = bareConversation(row.conversationID);
        throw new ContradictionError({ tenant: row.tenant, conversation }, detail);
      }
      batch.empty(folded);
      await this.deadLetter(read.entry, row.position, folded.index, outcome.reason, row);
      const [empty] = await repos.rows.insert([{ ...row, msgData: undefined }]);
      if (empty?.kind !== 'stored') throw new Error(`no placeholder for ${name}: ${empty?.kind}`);
    }
  }
}
