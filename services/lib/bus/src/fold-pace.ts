import { PARTITIONS } from '@im/contract';

/** From this size on a record is paced, bytes. */
export const LARGE_RECORD_BYTES = 16_384;
/** Bytes of large records that may be in the log and not folded yet, per appending process. */
export const UNFOLDED_BYTES = 131_072;
/**
 * A record counts for at most this long, ms: without transfer, or with one that announces nothing, large records are
 * still accepted, only slower.
 */
export const UNFOLDED_MS = 250;
/** Longest rest after a window, ms. */
export const REST_MS = 100;

interface Unfolded {
  readonly partition: number;
  readonly position: number;
  readonly bytes: number;
  readonly since: number;
}

/**
 * Paces large records by what transfer has folded. What is in the log is folded in its order, so a small message waits
 * for everything that is in front of it there; in the queue of the appender it can still overtake.
 *
 * After a full window they rest for as long as its last record took, so that half of the time of gateways, log, database and
 * clients is left to others.
 */
export class FoldPace {
  /** In the order of appending, therefore of `since`. */
  #unfolded: Unfolded[] = [];
  #bytes = 0;
  #restsUntil = 0;
  readonly #folded = new Float64Array(PARTITIONS);

  /** Bytes of large records that are not folded yet. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether another large record may be appended. */
  hasRoom(now: number): boolean {
    this.#forget(now);
    return this.#bytes < UNFOLDED_BYTES && now >= this.#restsUntil;
  }

  /** Time until there is room even if nothing is announced, ms. */
  roomIn(now: number): number {
    let over = this.#bytes - UNFOLDED_BYTES;
    if (over < 0) return Math.max(0, this.#restsUntil - now);
    for (const { bytes, since } of this.#unfolded) {
      over -= bytes;
      if (over < 0) return Math.max(0, since + UNFOLDED_MS - now);
    }
    return 0;
  }

  /** A record is in the log. */
  appended(partition: number, position: number, bytes: number, now: number): void {
    if (bytes < LARGE_RECORD_BYTES || position <= (this.#folded[partition] as number)) return;
    this.#unfolded.push({ partition, position, bytes, since: now });
    this.#bytes += bytes;
  }

  /** Transfer has folded a partition up to a position. */
  folded(partition: number, position: number, now: number): void {
    // Also backwards: a log that was recreated counts from 1 again.
    this.#folded[partition] = position;
    const wasFull = this.#bytes >= UNFOLDED_BYTES;
    let took = 0;
    this.#keep((record) => {
      if (record.partition !== partition || record.position > position) return true;
      took = now - record.since;
      return false;
    });
    if (wasFull && this.#bytes < UNFOLDED_BYTES) this.#restsUntil = now + Math.min(REST_MS, took);
  }

  #forget(now: number): void {
    const oldest = this.#unfolded[0];
    if (oldest === undefined || oldest.since + UNFOLDED_MS > now) return;
    this.#keep(({ since }) => since + UNFOLDED_MS > now);
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
