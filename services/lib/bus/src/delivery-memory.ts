import type { log } from '@im/protocol';

/** What to do with a delivery that has just arrived. */
export type Verdict = 'new' | 'copy' | 'stale';

/** Entries of one record share its position; there are far fewer than this. */
const ENTRIES = 8;

/**
 * What a feed has forwarded: per target and conversation the highest place in the log, and per
 * partition the highest fence. Two generations bound it: when the younger one is full, the older one,
 * untouched for at least as many conversations as fit, is forgotten.
 */
export class DeliveryMemory {
  readonly #limit: number;
  #young = new Map<string, number>();
  #old = new Map<string, number>();
  readonly #fences: number[] = [];

  /** @param limit most conversations of one generation. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Conversations remembered. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /**
   * Judges a delivery and remembers it when it is new. A copy was forwarded before, or something
   * after it in its conversation was; a stale one comes from a worker that lost the partition.
   * @param target anything that names the target apart from all others.
   */
  judge(target: string, delivery: log.Delivery): Verdict {
    const { partition, fence } = delivery;
    const known = this.#fences[partition] ?? 0;
    if (fence < known) return 'stale';
    if (fence > known) this.#fences[partition] = fence;
    const key = `${target} ${delivery.conversationID}`;
    const place = delivery.position * ENTRIES + Math.min(delivery.entry, ENTRIES - 1);
    const last = this.#young.get(key) ?? this.#old.get(key);
    if (last !== undefined && place <= last) return 'copy';
    this.#young.set(key, place);
    if (this.#young.size >= this.#limit) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    return 'new';
  }
}
