import type { Cursors, LaneCursor, PartitionCursor } from '@im/store';

/** What a process remembers of another lane's signs of life. */
interface Heard {
  readonly beat: number;
  /** When this beat was first seen, by our own clock. */
  readonly since: number;
  /** It was seen to move: whoever runs this lane was alive since we began to look. */
  readonly moved: boolean;
}

/** Leases of silence after which a lane without partitions is removed. */
const EXPIRY_LEASES = 20;

/** Judges which lanes are alive, without trusting that clocks agree. */
export class LaneWatch {
  readonly #heard = new Map<string, Heard>();
  readonly #leaseMs: number;

  constructor(leaseMs: number) {
    this.#leaseMs = leaseMs;
  }

  /**
   * Notes what was read and names the lanes that are dead: silent for the lease by our own clock. What
   * they say of their own clocks decides nothing.
   * @param now own monotonic clock, ms.
   */
  dead(lanes: ReadonlyMap<string, LaneCursor>, now: number): Set<string> {
    const dead = new Set<string>();
    for (const lane of this.#heard.keys()) if (!lanes.has(lane)) this.#heard.delete(lane);
    for (const [id, { beat }] of lanes) {
      const heard = this.#heard.get(id);
      if (heard?.beat !== beat) this.#heard.set(id, { beat, since: now, moved: heard !== undefined });
      if (this.#silentMs(id, now) >= this.#leaseMs) dead.add(id);
    }
    return dead;
  }

  /** Lanes that own nothing and were silent for long: nobody needs to know of them. @param now as for {@link dead}. */
  expired({ partitions, lanes }: Cursors, now: number): string[] {
    const owning = new Set(partitions.map(({ lane }) => lane));
    const limitMs = EXPIRY_LEASES * this.#leaseMs;
    return [...lanes.keys()].filter((id) => !owning.has(id) && this.#silentMs(id, now) >= limitMs);
  }

  #silentMs(lane: string, now: number): number {
    return now - (this.#heard.get(lane)?.since ?? now);
  }

  /** Whether a lane was seen alive. */
  seenAlive(lane: string): boolean {
    return this.#heard.get(lane)?.moved ?? false;
  }
}

/** Partitions that nobody folds: never taken, given back, or of a lane that is dead or gone. */
export function freePartitions(cursors: Cursors, dead: ReadonlySet<string>): PartitionCursor[] {
  return cursors.partitions.filter(({ lane }) => lane === '' || dead.has(lane) || !cursors.lanes.has(lane));
}

/** How many partitions each of `live` processes should have at most. */
export function fairShare(partitions: number, live: number): number {
  return Math.ceil(partitions / Math.max(1, live));
}

/** A partition with the progress of the lane that it had: the further of the two. */
export function withLaneProgress(partition: PartitionCursor, lanes: Cursors['lanes']): PartitionCursor {
  const lane = lanes.get(partition.lane);
  if (lane === undefined || lane.applied <= partition.applied) return partition;
  const { applied, appliedTime, mark } = lane;
  return { ...partition, applied, appliedTime, ...(mark === undefined ? {} : { mark }) };
}

/** Up to where every partition is folded; undefined while one has no progress at all. */
export function slowest(cursors: Cursors): PartitionCursor | undefined {
  let least: PartitionCursor | undefined;
  for (const partition of cursors.partitions) {
    const at = withLaneProgress(partition, cursors.lanes);
    if (at.applied === 0) return undefined;
    if (least === undefined || at.applied < least.applied) least = at;
  }
  return least;
}
