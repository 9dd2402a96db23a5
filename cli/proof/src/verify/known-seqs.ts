/** What a push means to a device that has synchronized. */
export type Arrival = 'next' | 'gap' | 'known';

/**
 * What a device has of each conversation, as SDKs keep it: what was stored when it connected it knows by synchronizing,
 * and what comes after is news.
 */
export class KnownSeqs {
  /** Highest seq seen. */
  readonly #seen = new Map<string, number>();
  /** Highest seq that was stored when the device connected last. */
  readonly #stored = new Map<string, number>();

  /** Highest seq that it has; 0 for none. */
  highest(conversation: string): number {
    return this.#seen.get(conversation) ?? 0;
  }

  /** The device has connected, and has read what is stored, up to `max`. */
  synchronized(conversation: string, max: number): void {
    this.#seen.set(conversation, Math.max(this.highest(conversation), max));
    this.#stored.set(conversation, max);
  }

  /**
   * A push has come. One that is `known` says nothing new: the server may deliver messages again when another process
   * takes their partition over, to a gateway that the device has just come to.
   */
  arrived(conversation: string, seq: number): Arrival {
    if (seq <= (this.#stored.get(conversation) ?? 0)) return 'known';
    const before = this.#seen.get(conversation);
    this.#seen.set(conversation, Math.max(before ?? 0, seq));
    return before !== undefined && seq > before + 1 ? 'gap' : 'next';
  }
}
