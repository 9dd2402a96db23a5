/**
 * Has long work of many callers take turns, so that no iteration of the event loop does more than a bounded part of
 * it: what is short and comes meanwhile waits for one part, not for all of the work of all of them.
 */
export class Turns {
  readonly #perIteration: number;
  readonly #waiting: { readonly items: number; readonly begin: () => void }[] = [];
  #left: number;
  #scheduled = false;

  /** @param perIteration items that all callers together handle in one iteration of the event loop. */
  constructor(perIteration: number) {
    this.#perIteration = perIteration;
    this.#left = perIteration;
  }

  /** Callers that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Most items that a caller should ask for at once. */
  get portion(): number {
    return this.#perIteration;
  }

  /** Waits until it is this caller's turn to handle so many items: first come, first served. */
  take(items: number): Promise<void> | undefined {
    this.#schedule();
    if (this.#waiting.length === 0 && this.#left >= items) {
      this.#left -= items;
      return undefined;
    }
    return new Promise((begin) => {
      this.#waiting.push({ items, begin });
    });
  }

  /** Calls `work` for all of 0 to `count` in portions, each in its turn, while it answers true. */
  async each(count: number, work: (from: number, to: number) => boolean): Promise<void> {
    for (let from = 0; from < count; ) {
      const to = Math.min(count, from + this.#perIteration);
      await this.take(to - from);
      if (!work(from, to)) return;
      from = to;
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => this.#next());
  }

  #next(): void {
    this.#scheduled = false;
    this.#left = this.#perIteration;
    for (;;) {
      const [first] = this.#waiting;
      // A request larger than a full share starts with a full share.
      if (!first || (first.items > this.#left && this.#left < this.#perIteration)) break;
      this.#waiting.shift();
      this.#left -= first.items;
      first.begin();
    }
    if (this.#waiting.length > 0) this.#schedule();
  }
}
