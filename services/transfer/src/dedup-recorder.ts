import { DEDUP_ENTRY_BYTES, type DedupBlock } from '@im/store';

const KEY_BYTES = 16;
const FIRST_ENTRIES = 256;

/** Collects the dedup keys that a consumer saw, block by block, for those who take over from it. */
export class DedupRecorder {
  readonly #partitions: readonly number[];
  #bytes = Buffer.alloc(FIRST_ENTRIES * DEDUP_ENTRY_BYTES);
  #entries = 0;
  #baseMs = 0;
  #fromMs: number;
  #toMs: number;

  /** @param fromMs log time from which on every record of the partitions is noted. */
  constructor(partitions: readonly number[], fromMs: number) {
    this.#partitions = partitions;
    this.#fromMs = fromMs;
    this.#toMs = fromMs;
  }

  /** Keys that no block has yet. */
  get pending(): number {
    return this.#entries;
  }

  /** Notes a key, in the order of the log. */
  note(key: Uint8Array, timeMs: number): void {
    const at = this.#entries * DEDUP_ENTRY_BYTES;
    if (at === 0) this.#baseMs = timeMs;
    if (at === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, Buffer.alloc(at)]);
    this.#bytes.set(key, at);
    this.#bytes.writeUInt32BE(Math.max(0, timeMs - this.#baseMs), at + KEY_BYTES);
    this.#entries++;
    this.#toMs = Math.max(this.#toMs, timeMs);
  }

  /** The next block, of all keys noted since the last one; undefined when there are none. */
  take(): DedupBlock | undefined {
    if (this.#entries === 0) return undefined;
    const keys = Buffer.from(this.#bytes.subarray(0, this.#entries * DEDUP_ENTRY_BYTES));
    const range = { fromMs: this.#fromMs, toMs: this.#toMs, partitions: this.#partitions };
    const block = { ...range, baseMs: this.#baseMs, keys };
    this.#entries = 0;
    this.#fromMs = this.#toMs;
    return block;
  }
}
