import type { ConsumerCursor, Cursors, PartitionCursor } from '@im/store';

/** The lease of another consumer, as it was last seen. */
interface Lease {
  readonly renewals: number;
  /** When this number was first seen, by our own clock. */
  readonly since: number;
  /** A renewal was seen: its process was alive after our first poll. */
  readonly renewed: boolean;
}

/** Leases of silence after which a consumer without partitions is removed. */
const EXPIRY_LEASES = 20;

/** Judges which consumers are alive, without trusting that clocks agree. */
export class ConsumerWatch {
  readonly #leases = new Map<string, Lease>();
  readonly #leaseMs: number;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /**
   * Notes what was read and names the consumers that are dead: silent for the lease by our own clock. What
   * their own clocks show decides nothing.
   * @param now own monotonic clock, ms.
   */
  dead(consumers: ReadonlyMap<string, ConsumerCursor>, now: number): Set<string> {
    const dead = new Set<string>();
    for (const consumer of this.#leases.keys()) if (!consumers.has(consumer)) this.#leases.delete(consumer);
    for (const [id, { renewals }] of consumers) {
      const lease = this.#leases.get(id);
      if (lease?.renewals !== renewals)
        this.#leases.set(id, { renewals, since: now, renewed: lease !== undefined });
      if (this.#silentMs(id, now) >= this.#leaseMs) dead.add(id);
    }
    return dead;
  }

  /** Consumers that own nothing and were silent for long: no process needs them any more. @param now as for {@link dead}. */
  expired({ partitions, consumers }: Cursors, now: number): string[] {
    const owning = new Set(partitions.map(({ consumer }) => consumer));
    const limitMs = EXPIRY_LEASES * this.#leaseMs;
    return [...consumers.keys()].filter((id) => !owning.has(id) && this.#silentMs(id, now) >= limitMs);
  }

  #silentMs(consumer: string, now: number): number {
    return now - (this.#leases.get(consumer)?.since ?? now);
  }

  /** Whether a consumer was seen alive. */
  seenAlive(consumer: string): boolean {
    return this.#leases.get(consumer)?.renewed ?? false;
  }
}

/** Partitions without an owner: never taken, given back, or of a consumer that is dead or gone. */
export function freePartitions(cursors: Cursors, dead: ReadonlySet<string>): PartitionCursor[] {
  return cursors.partitions.filter(
    ({ consumer }) => consumer === '' || dead.has(consumer) || !cursors.consumers.has(consumer),
  );
}

/** How many partitions each of `live` processes should have at most. */
export function fairShare(partitions: number, live: number): number {
  return Math.ceil(partitions / Math.max(1, live));
}

/** A partition with the progress of the consumer that it had: the further of the two. */
export function withConsumerProgress(
  partition: PartitionCursor,
  consumers: Cursors['consumers'],
): PartitionCursor {
  const consumer = consumers.get(partition.consumer);
  if (consumer === undefined || consumer.applied <= partition.applied) return partition;
  const { applied, appliedTime, mark } = consumer;
  return { ...partition, applied, appliedTime, ...(mark === undefined ? {} : { mark }) };
}

/** Up to where every partition is folded; undefined while one has no progress at all. */
export function slowest(cursors: Cursors): PartitionCursor | undefined {
  let least: PartitionCursor | undefined;
  for (const partition of cursors.partitions) {
    const at = withConsumerProgress(partition, cursors.consumers);
    if (at.applied === 0) return undefined;
    if (least === undefined || at.applied < least.applied) least = at;
  }
  return least;
}
