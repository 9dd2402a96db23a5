const WORDS = 4;
const KEY_BYTES = WORDS * 4;
const FIRST_SLOTS = 1 << 12;
const MAX_LOAD = 0.6;

/** A set of 16-byte keys: open addressing over one typed array, so that a million keys are no objects. */
class KeySet {
  #slots = FIRST_SLOTS;
  #words = new Uint32Array(FIRST_SLOTS * WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(a: number, b: number, c: number, d: number): boolean {
    const words = this.#words;
    const mask = this.#slots - 1;
    for (let slot = a & mask; ; slot = (slot + 1) & mask) {
      const at = slot * WORDS;
      if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return true;
      if (isEmpty(words, at)) return false;
    }
  }

  add(a: number, b: number, c: number, d: number): void {
    if (this.#size + 1 > this.#slots * MAX_LOAD) this.#grow();
    if (insert(this.#words, this.#slots - 1, a, b, c, d)) this.#size++;
  }

  #grow(): void {
    const old = this.#words;
    this.#slots *= 2;
    this.#words = new Uint32Array(this.#slots * WORDS);
    for (let at = 0; at < old.length; at += WORDS) {
      if (isEmpty(old, at)) continue;
      insert(
        this.#words,
        this.#slots - 1,
        word(old, at),
        word(old, at + 1),
        word(old, at + 2),
        word(old, at + 3),
      );
    }
  }
}

function word(words: Uint32Array, at: number): number {
  return words[at] as number;
}

/** The all-zero key marks a free slot; a hash is never all zero. */
function isEmpty(words: Uint32Array, at: number): boolean {
  return words[at] === 0 && words[at + 1] === 0 && words[at + 2] === 0 && words[at + 3] === 0;
}

function insert(words: Uint32Array, mask: number, a: number, b: number, c: number, d: number): boolean {
  for (let slot = a & mask; ; slot = (slot + 1) & mask) {
    const at = slot * WORDS;
    if (words[at] === a && words[at + 1] === b && words[at + 2] === c && words[at + 3] === d) return false;
    if (isEmpty(words, at)) {
      words[at] = a;
      words[at + 1] = b;
      words[at + 2] = c;
      words[at + 3] = d;
      return true;
    }
  }
}

/** Length of a generation of dedup keys, by the log's time. */
export const GENERATION_MS = 10 * 60_000;

/** Log time from which keys must be known to judge a record of `timeMs`: the start of the generation before its own. */
export function windowStart(timeMs: number): number {
  return (Math.floor(timeMs / GENERATION_MS) - 1) * GENERATION_MS;
}

/**
 * Which records are repetitions: a key is a duplicate if it stood in the log before, in the same
 * generation or the one before. Every sight counts, also that of a duplicate, so that the content of
 * a generation is a function of the log alone. Times must not fall.
 */
export class DedupWindow {
  #generation = Number.NEGATIVE_INFINITY;
  #current = new KeySet();
  #previous = new KeySet();

  /** Keys that are remembered now. */
  get size(): number {
    return this.#current.size + this.#previous.size;
  }

  /**
   * Notes a key and returns whether it was present before.
   * @param key 16 bytes. @throws RangeError for another length.
   */
  seen(key: Uint8Array, timeMs: number): boolean {
    if (key.length !== KEY_BYTES)
      throw new RangeError(`a dedup key has ${KEY_BYTES} bytes, not ${key.length}`);
    this.#turn(Math.floor(timeMs / GENERATION_MS));
    const view = new DataView(key.buffer, key.byteOffset, KEY_BYTES);
    const [a, b, c, d] = [view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12)];
    if (this.#current.has(a, b, c, d)) return true;
    this.#current.add(a, b, c, d);
    return this.#previous.has(a, b, c, d);
  }

  #turn(generation: number): void {
    if (generation <= this.#generation) return;
    this.#previous = generation === this.#generation + 1 ? this.#current : new KeySet();
    this.#current = new KeySet();
    this.#generation = generation;
  }
}
