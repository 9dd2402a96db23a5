import { randomBytes } from 'node:crypto';
import type { Bus } from '@im/bus';
import { DEFAULT_TENANT, LOG_SHARE } from '@im/contract';
import { encode, make } from '@im/protocol';
import { toStreamPosition } from './log-epoch.ts';
import type { PartitionConsumer } from './partition-consumer.ts';

/** A consumer counts as idle when its progress stood still for this long. */
const IDLE_MS = 3_000;
/** An idle consumer is moved on when it is this many records behind the end of the log. */
const FAR_RECORDS = 1_000;
/** The same in a log that fills up; more than there can be consumers, so that marks alone never cause marks. */
const NEAR_RECORDS = 64;

/** What {@link IdleMarks} looks at. */
type Idling = Pick<PartitionConsumer, 'id' | 'partitions' | 'progress' | 'epoch'>;

interface Stand {
  readonly applied: number;
  readonly since: number;
}

/**
 * Moves idle consumers on. The log is purged behind the slowest cursor, and a cursor moves with the records of its
 * partitions; so a consumer that gets none writes one itself: a record without entries, which folds to nothing. That it
 * comes back in order proves that everything before it was read, whatever server of the log it is read from.
 */
export class IdleMarks {
  readonly #log: Bus['log'];
  readonly #stands = new Map<string, Stand>();

  constructor(log: Bus['log']) {
    this.#log = log;
  }

  /** @param now own monotonic clock, ms. @returns how many marks were written. */
  async poll(consumers: readonly Idling[], now: number): Promise<number> {
    const ids = new Set(consumers.map(({ id }) => id));
    for (const id of this.#stands.keys()) if (!ids.has(id)) this.#stands.delete(id);
    const idle = consumers.filter(({ id, progress: { applied } }) => {
      const stand = this.#stands.get(id);
      if (stand?.applied === applied) return now - stand.since >= IDLE_MS;
      this.#stands.set(id, { applied, since: now });
      return false;
    });
    if (idle.length === 0) return 0;
    const { bytes, maxBytes, lastPosition } = await this.#log.info();
    const enough = bytes >= (LOG_SHARE.tight - 0.1) * maxBytes ? NEAR_RECORDS : FAR_RECORDS;
    let written = 0;
    for (const { id, partitions, progress, epoch } of idle) {
      this.#stands.set(id, { applied: progress.applied, since: now });
      const [partition] = partitions;
      const behind = lastPosition - toStreamPosition(epoch, progress.applied);
      if (partition === undefined || behind < enough) continue;
      await this.#log.append(DEFAULT_TENANT, partition, markRecord(), { whenFull: true });
      written++;
    }
    return written;
  }
}

function markRecord(): Uint8Array {
  const dedupKey = randomBytes(16);
  return encode('log.Record', make('log.Record', { dedupKey, version: 1, tenant: DEFAULT_TENANT }));
}
