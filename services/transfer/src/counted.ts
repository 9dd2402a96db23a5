import type { CountedRow, CountedRows } from '@im/store';
import { epochOf, toPosition } from './log-epoch.ts';

/** The log holds other records than those that were counted: its positions must begin a new epoch. */
export class LogChangedError extends Error {
  override readonly name = 'LogChangedError';
}

/**
 * What was counted of a conversation before this consumer started, according to its rows. The rows decide whether the log
 * still holds what was counted: progress is written a little later than they are, so a log that lost its tail may have
 * lost records beyond it, and grown again over their positions.
 */
export class Counted {
  readonly #conversationID: string;
  readonly #src: number;
  readonly #whole: boolean;
  readonly #byPosition = new Map<number, CountedRow>();
  readonly #byKey = new Map<string, CountedRow>();
  #lastTimeMs = Number.NEGATIVE_INFINITY;

  /**
   * @param src position of the last record counted, as it was read.
   * @param epoch incarnation of the log that is read now.
   */
  constructor(conversationID: string, src: number, epoch: number, { rows, isWhole }: CountedRows) {
    this.#conversationID = conversationID;
    this.#src = src;
    this.#whole = isWhole;
    const begin = toPosition(epoch, 0);
    for (const row of rows) {
      this.#byPosition.set(row.position, row);
      if (row.position >= begin || row.dedupKey === undefined) continue;
      this.#byKey.set(nameOf(row.dedupKey), row);
      this.#lastTimeMs = Math.max(this.#lastTimeMs, row.timeMs);
    }
  }

  /**
   * The row of a record; undefined when it is not counted, or its row is gone by now (retention). A record that was
   * counted in an earlier epoch is known by its key and its time.
   * @throws LogChangedError when another record was counted at its position, or none although its seq would be present.
   */
  rowOf(position: number, timeMs: number, dedupKey: Uint8Array): CountedRow | undefined {
    const replayed = position <= this.#src;
    if (!replayed && timeMs > this.#lastTimeMs) return undefined;
    const here = this.#byPosition.get(position);
    if (here !== undefined) {
      if (here.dedupKey === undefined || Buffer.compare(here.dedupKey, dedupKey) === 0) return here;
      throw this.#changed(position, `it is the place of seq ${here.seq}`);
    }
    const earlier = this.#byKey.size > 0 ? this.#byKey.get(nameOf(dedupKey)) : undefined;
    if (earlier?.timeMs === timeMs && epochOf(earlier.position) < epochOf(position)) return earlier;
    if (replayed && this.#whole) throw this.#changed(position, 'none was counted there');
    return undefined;
  }

  /** How many were counted behind this position. */
  countAfter(position: number): number {
    let later = 0;
    for (const at of this.#byPosition.keys()) if (at > position) later++;
    return later;
  }

  #changed(position: number, why: string): LogChangedError {
    return new LogChangedError(
      `the log has another record at ${position} than was counted in ${this.#conversationID}: ${why}`,
    );
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1');
}
