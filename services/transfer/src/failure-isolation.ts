import type { Bus, LogEntry } from '@im/bus';
import type { TenantId } from '@im/contract';
import { ERR, ImError } from '@im/protocol';
import type { GroupCommitWriter, ParkedRecord, ParkedUnit, Placement } from '@im/store';
import { type Batch, type ReadRecord, readRecord } from './batch.ts';
import { Conversations } from './conversations.ts';
import { LogChangedError } from './counted.ts';
import type { DedupWindow } from './dedup-window.ts';
import { isMark, type SenderReads } from './effects.ts';
import { foldBatch, isNew, NO_DUPLICATES, wantedConversations } from './fold-batch.ts';
import { bareConversationOf, type ParkedCounts, Parking, type Waiting } from './parking.ts';
import { ContradictionError, type RowWriter, type RowWriterDeps } from './row-writer.ts';

/** What {@link FailureIsolation} shares with the consumer that it belongs to. */
export interface FailureIsolationDeps extends RowWriterDeps {
  readonly bus: Bus;
  readonly dedup: DedupWindow;
  readonly conversations: Conversations;
  readonly maxConversations: number;
  readonly rows: RowWriter;
  /** Commits the read positions of records that had waited. */
  readonly reads: GroupCommitWriter;
  readonly generation: number;
  readonly fenceOf: (partition: number) => number | undefined;
}

/** How long tenants are folded apart after a failure. */
const ISOLATED_MS = 30_000;
/** By log.Record.placement. */
const PLACEMENTS: readonly (Placement | undefined)[] = [undefined, 'Shared', 'Dedicated'];
const UNKNOWN_TENANT = 'the tenant is not known here';

/**
 * Limits a failure to the tenant or conversation that it concerns: after one, the records of each tenant are folded
 * apart for a while, and what fails is parked and tried again until it can be folded.
 */
export class FailureIsolation {
  readonly #deps: FailureIsolationDeps;
  readonly #parking: Parking;
  #activeUntil = 0;

  constructor(deps: FailureIsolationDeps) {
    this.#deps = deps;
    this.#parking = new Parking({ parked: deps.repos.parked, fenceOf: deps.fenceOf, log: deps.log });
  }

  /** Whether tenants are to be folded apart now. */
  get isActive(): boolean {
    return performance.now() < this.#activeUntil;
  }

  get parked(): ParkedCounts {
    return this.#parking.counts;
  }

  /** Takes over what earlier owners of these partitions parked. */
  takeOver(fences: ReadonlyMap<number, number>): Promise<void> {
    return this.#parking.takeOver(fences);
  }

  /** Parks the records of units of which the database is known to contradict the log. */
  expect(units: readonly ParkedUnit[]): void {
    for (const unit of units) this.#parking.expect(unit, 'the database contradicts the log');
  }

  /** From now on and for a while, tenants are folded apart. */
  activate(): void {
    this.#activeUntil = performance.now() + ISOLATED_MS;
  }

  /** Tries what is parked again, as far as its time has come. @returns undefined when nothing is parked. */
  retry(signal: AbortSignal): Promise<void> | undefined {
    if (this.#parking.isEmpty) return undefined;
    return this.#parking.retry(performance.now(), signal, (tenant, partition, records) =>
      this.#foldParked(tenant, partition, records),
    );
  }

  /** Parks records that belong to what is parked, or to a tenant that is unknown here. @returns the others. */
  async divert(records: readonly ReadRecord[]): Promise<readonly ReadRecord[]> {
    const { placements } = this.#deps.repos;
    let unknown = false;
    for (const { tenant, record } of records) {
      if (placements.get(tenant) !== undefined) continue;
      const placement = PLACEMENTS[record.placement];
      if (placement) placements.remember(tenant, placement);
      else unknown = true;
    }
    if (this.#parking.isEmpty && !unknown) return records;
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
      for (const [unit, list] of waiting) await this.#parking.park(unit, list, UNKNOWN_TENANT);
      return others;
    });
  }

  /**
   * Folds the records of each tenant apart, one tenant after another, and parks what fails.
   * @returns the batches, written and delivered except for read positions.
   * @throws when the failure is not about one tenant.
   */
  async foldApart(records: readonly ReadRecord[]): Promise<readonly Batch[]> {
    const { conversations } = this.#deps;
    const batches: Batch[] = [];
    for (const [tenant, list] of Map.groupBy(records, (record) => record.tenant)) {
      let rest = list.filter((record) => this.#isNew(record));
      while (rest.length > 0) {
        try {
          batches.push(await this.#write(rest, conversations));
          break;
        } catch (error) {
          conversations.forget(tenant);
          rest = await this.#parkCulprit(tenant, rest, error);
        }
      }
    }
    for (const batch of batches) await this.#deliver(batch);
    return batches;
  }

  #unitOf({ tenant, record }: ReadRecord): ParkedUnit | undefined {
    if (isMark(record)) return undefined;
    const unit = this.#parking.unitOf(tenant, bareConversationOf(record));
    if (unit || this.#deps.repos.placements.get(tenant) !== undefined) return unit;
    return this.#parking.begin({ tenant, conversation: '' }, UNKNOWN_TENANT);
  }

  /** Whether a record is no duplicate of one that was counted or parked. */
  #isNew(read: ReadRecord): boolean {
    return isNew(read, this.#deps.dedup, this.#deps.metrics);
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
    const { metrics, repos, rows } = this.#deps;
    await metrics.timed('load', () => conversations.load(wantedConversations(records)));
    const batch = foldBatch(records, conversations, NO_DUPLICATES, metrics);
    if (batch.effects.changesMembership) {
      await metrics.timed('membership', () => batch.effects.writeMembership(repos));
    }
    if (batch.rows.length > 0) await metrics.timed('rows', () => rows.write(batch));
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
    const { repos, metrics, generation, maxConversations } = this.#deps;
    const fence = this.#deps.fenceOf(partition) ?? 0;
    const records = parked.map(({ position, timeMs, record }) => {
      const entry: LogEntry = { tenant, partition, position, timeMs, record };
      return { ...readRecord(entry, { position, fence, generation, delivered: false }), late: true };
    });
    const conversations = new Conversations(repos.conversationSeqs, repos.rows, maxConversations);
    const batch = await this.#write(records, conversations);
    await this.#deliver(batch);
    const reads: SenderReads = new Map();
    batch.effects.addReadsTo(reads);
    if (reads.size > 0) await repos.seqUsers.raiseRead([...reads.values()], this.#deps.reads);
    metrics.unparked.inc(records.length);
  }
}
