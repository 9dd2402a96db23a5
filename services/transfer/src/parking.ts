import type { LogEntry } from '@im/bus';
import type { TenantId } from '@im/contract';
import { KEY_SEPARATOR, messageOf } from '@im/kit';
import type { Logger } from '@im/process';
import { type log, queueKey } from '@im/protocol';
import type { ParkedRecord, ParkedUnit } from '@im/store';
import type { Repos } from './repos.ts';

/** The parts of an id behind its kind, which a chat and its notification conversation share: `a_b` of `si_a_b`. */
export function bareConversation(conversationID: string): string {
  return conversationID.slice(conversationID.indexOf('_') + 1);
}

/** What the conversations of a record have in common: see {@link ParkedUnit}. */
export function bareConversationOf(record: log.Record): string {
  const conversationID = record.entries[0]?.conversationID ?? record.control?.conversationID;
  return conversationID === undefined ? queueKey(record) : bareConversation(conversationID);
}

/** A record that is to wait. */
export interface Waiting {
  readonly entry: LogEntry;
  /** Position over all incarnations of the log. */
  readonly position: number;
}

/** Folds records of one unit that waited, in the order given. @throws what went wrong; some of them may be folded. */
export type FoldParked = (
  tenant: TenantId,
  partition: number,
  records: readonly ParkedRecord[],
) => Promise<void>;

export interface ParkingDeps {
  readonly parked: Repos['parked'];
  readonly fenceOf: (partition: number) => number | undefined;
  readonly log: Logger;
}

interface Unit extends ParkedUnit {
  /** Partitions in which records of it wait, with their number. */
  readonly partitions: Map<number, number>;
  reason: string;
  /** performance.now() from which on it is tried again. */
  retryAt: number;
  waitMs: number;
  /** Its first record is still to come. */
  expected: boolean;
}

const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 30_000;
/** Records folded at once. */
const BATCH = 200;
/** Units that are tried at once. */
const AT_ONCE = 8;

const keyOf = ({ tenant, conversation }: ParkedUnit) => `${tenant}${KEY_SEPARATOR}${conversation}`;

/** How much waits. */
export interface ParkedCounts {
  readonly tenants: number;
  readonly conversations: number;
  readonly records: number;
}

/**
 * What a consumer does not fold for the time being: tenants and conversations whose records failed. Their
 * records wait in the database, in order, while the consumer goes on with all others; they are tried again until
 * they can be folded. Every record of a unit that arrives meanwhile waits behind those.
 */
export class Parking {
  readonly #deps: ParkingDeps;
  readonly #units = new Map<string, Unit>();
  /** What is being tried, by tenant. */
  readonly #trying = new Map<TenantId, Promise<void>>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(deps: ParkingDeps) {
    this.#deps = deps;
  }

  get counts(): ParkedCounts {
    let tenants = 0;
    let records = 0;
    for (const { conversation, partitions } of this.#units.values()) {
      if (conversation === '') tenants++;
      for (const count of partitions.values()) records += count;
    }
    return { tenants, conversations: this.#units.size - tenants, records };
  }

  get isEmpty(): boolean {
    return this.#units.size === 0;
  }

  /** Learns what earlier owners of these partitions parked. */
  async takeOver(fences: ReadonlyMap<number, number>): Promise<void> {
    for (const marker of await this.#deps.parked.takeOver(fences)) {
      const unit = this.begin(marker, marker.reason);
      unit.partitions.set(marker.partition, await this.#deps.parked.count(marker));
    }
  }

  /** Has records of a unit wait that are to come: it stays parked at least until the first of them. */
  expect(unit: ParkedUnit, reason: string): void {
    this.begin(unit, reason).expected = true;
  }

  /** From now on, records of this unit wait. */
  begin({ tenant, conversation }: ParkedUnit, reason: string): Unit {
    const key = keyOf({ tenant, conversation });
    let unit = this.#units.get(key);
    if (!unit) {
      unit = {
        tenant,
        conversation,
        partitions: new Map(),
        reason,
        retryAt: 0,
        waitMs: FIRST_WAIT_MS,
        expected: false,
      };
      this.#postpone(unit);
      this.#units.set(key, unit);
    }
    return unit;
  }

  /** Why records of this tenant, or of this conversation of it, have to wait; undefined when they need not. */
  unitOf(tenant: TenantId, conversation: string): ParkedUnit | undefined {
    if (this.#units.size === 0) return undefined;
    const whole = this.#units.get(keyOf({ tenant, conversation: '' }));
    return whole ?? this.#units.get(keyOf({ tenant, conversation }));
  }

  /** Has `work` done while no unit ends: between its question whether one is parked and its answer to that. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Lets records of one unit wait, in the order given; resolves when they are kept. */
  async park(unit: ParkedUnit, waiting: readonly Waiting[], reason: string): Promise<void> {
    const { parked, fenceOf, log } = this.#deps;
    const { tenant, conversation } = unit;
    const known = this.begin(unit, reason);
    known.expected = false;
    const byPartition = new Map<number, ParkedRecord[]>();
    for (const { entry, position } of waiting) {
      const list = byPartition.get(entry.partition) ?? [];
      byPartition.set(entry.partition, list);
      list.push({ position, timeMs: entry.timeMs, record: entry.record });
    }
    for (const [partition, records] of byPartition) {
      if (!known.partitions.has(partition)) {
        log.error(
          { tenant, conversation, partition, reason },
          'records cannot be folded; they are parked, and tried again until they can',
        );
      }
      const fence = fenceOf(partition) ?? 0;
      await parked.add({ tenant, conversation, partition, fence }, known.reason, records);
      known.partitions.set(partition, (known.partitions.get(partition) ?? 0) + records.length);
    }
  }

  /**
   * Begins to try every unit whose time has come, until `signal` ends. One whose database hangs holds up none of the
   * others: at most 8 are tried at once, and of one tenant a single one. Never rejects.
   * @returns when all that was started, here or before, has ended.
   */
  async retry(now: number, signal: AbortSignal, fold: FoldParked): Promise<void> {
    for (const unit of this.#units.values()) {
      if (signal.aborted || this.#trying.size >= AT_ONCE) break;
      if (now < unit.retryAt || this.#trying.has(unit.tenant)) continue;
      this.#trying.set(unit.tenant, this.#try(unit, signal, fold));
    }
    await Promise.all(this.#trying.values());
  }

  async #try(unit: Unit, signal: AbortSignal, fold: FoldParked): Promise<void> {
    const { tenant, conversation } = unit;
    try {
      await this.#drain(unit, signal, fold);
    } catch (error) {
      unit.reason = messageOf(error);
      unit.waitMs = Math.min(MAX_WAIT_MS, unit.waitMs * 2);
      this.#deps.log.warn({ tenant, conversation, err: error }, 'parked records still cannot be folded');
    }
    this.#postpone(unit);
    this.#trying.delete(tenant);
    // Tried last, it waits behind all others: those that hang do not take every place each time.
    const key = keyOf(unit);
    if (this.#units.get(key) !== unit) return;
    this.#units.delete(key);
    this.#units.set(key, unit);
  }

  #postpone(unit: Unit): void {
    unit.retryAt = performance.now() + unit.waitMs * (0.75 + Math.random() / 2);
  }

  async #drain(unit: Unit, signal: AbortSignal, fold: FoldParked): Promise<void> {
    const { parked, log } = this.#deps;
    const { tenant, conversation } = unit;
    for (const partition of [...unit.partitions.keys()]) {
      const place = { tenant, conversation, partition };
      for (;;) {
        if (signal.aborted) return;
        const records = await parked.first(place, BATCH);
        const last = records.at(-1);
        if (last === undefined) {
          if (await this.#end(unit, partition)) break;
          continue;
        }
        await fold(tenant, partition, records);
        await parked.removeUpTo(place, last.position);
        unit.waitMs = FIRST_WAIT_MS;
        unit.partitions.set(partition, Math.max(0, (unit.partitions.get(partition) ?? 0) - records.length));
      }
    }
    await this.exclusive(async () => {
      if (unit.partitions.size > 0 || unit.expected) return;
      this.#units.delete(keyOf(unit));
      log.warn({ tenant, conversation }, 'all parked records are folded; the tenant or conversation goes on');
    });
  }

  /** @returns whether nothing waits in the partition any more. */
  #end(unit: Unit, partition: number): Promise<boolean> {
    const { parked, fenceOf } = this.#deps;
    return this.exclusive(async () => {
      const { tenant, conversation } = unit;
      const place = { tenant, conversation, partition };
      if ((await parked.first(place, 1)).length > 0) return false;
      await parked.end({ ...place, fence: fenceOf(partition) ?? 0 });
      unit.partitions.delete(partition);
      return true;
    });
  }
}
