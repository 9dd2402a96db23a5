import { PARTITIONS } from '@im/contract';

/** From this size on a record is paced, bytes. */
export const LARGE_RECORD_BYTES = 16_384;
/** Bytes of large records that may be in the log and not folded yet, per appending process. */
export const UNFOLDED_BYTES = 262_144;
/**
 * A record counts for at most this long, ms: without transfer, or with one that announces nothing, large records are
 * still accepted, only slower.
 */
export const UNFOLDED_MS = 250;

interface Unfolded {
  readonly partition: number;
  readonly position: number;
  readonly bytes: number;
  readonly until: number;
}

/**
 * Paces large records by what transfer has folded. What is in the log is folded in its order, so a small message waits
 * for everything that is in front of it there; in the queue of the appender it can still overtake.
 */
export class FoldPace {
  /** In the order of appending, therefore of `until`. */
  #unfolded: Unfolded[] = [];
  #bytes = 0;
  readonly #folded = new Float64Array(PARTITIONS);

  /** Bytes of large records that are not folded yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether another large record may be appended. */
  hasRoom(now: number): boolean {
    this.#forget(now);
    return this.#bytes < UNFOLDED_BYTES;
  }

  /** Time until there is room even if nothing is announced, ms. */
  roomIn(now: number): number {
    let over = this.#bytes - UNFOLDED_BYTES;
    for (const { bytes, until } of this.#unfolded) {
      over -= bytes;
      if (over < 0) return Math.max(0, until - now);
    }
    return 0;
  }

  /** A record is in the log. */
  appended(partition: number, position: number, bytes: number, now: number): void {
    if (bytes < LARGE_RECORD_BYTES || position <= (this.#folded[partition] as number)) return;
    this.#unfolded.push({ partition, position, bytes, until: now + UNFOLDED_MS });
    this.#bytes += bytes;
  }

  /** Transfer has folded a partition up to a position. */
  folded(partition: number, position: number): void {
    // Also backwards: a log that was recreated counts from 1 again.
    this.#folded[partition] = position;
    this.#keep((record) => record.partition !== partition || record.position > position);
  }

  #forget(now: number): void {
    const oldest = this.#unfolded[0];
    if (oldest !== undefined && oldest.until <= now) this.#keep(({ until }) => until > now);
  }

  #keep(keeps: (record: Unfolded) => boolean): void {
    this.#unfolded = this.#unfolded.filter((record) => {
      const kept = keeps(record);
      if (!kept) this.#bytes -= record.bytes;
      return kept;
    });
  }
}

/** Pairs of partition and position, as JSON: rare and small. */
export function encodeFolded(folded: ReadonlyMap<number, number>): Uint8Array {
  return Buffer.from(JSON.stringify([...folded]));
}

/** What {@link encodeFolded} wrote; nothing for other bytes. */
export function decodeFolded(data: Uint8Array): readonly (readonly [partition: number, position: number])[] {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(data).toString());
  } catch {
    return [];
  }
  if (!Array.isArray(value)) return [];
  return value.filter(
    (pair): pair is [number, number] =>
      Array.isArray(pair) &&
      Number.isInteger(pair[0]) &&
      pair[0] >= 0 &&
      pair[0] < PARTITIONS &&
      Number.isSafeInteger(pair[1]),
  );
}
