/** Keys ordered by their due times. Adding and removing is O(log n). */
export class DelayHeap {
  readonly #entries: { key: string; at: number }[] = [];
  readonly #positions = new Map<string, number>();

  get size(): number {
    return this.#entries.length;
  }

  /** The earliest due time. */
  get nextAt(): number | undefined {
    return this.#entries[0]?.at;
  }

  /** Adds a key, or moves it to an earlier time; a later time is ignored. */
  add(key: string, at: number): void {
    const position = this.#positions.get(key);
    if (position === undefined) {
      this.#entries.push({ key, at });
      this.#up(this.#entries.length - 1);
      return;
    }
    const entry = this.#entries[position];
    if (!entry || entry.at <= at) return;
    entry.at = at;
    this.#up(position);
  }

  /** Removes a key. */
  remove(key: string): void {
    const position = this.#positions.get(key);
    if (position === undefined) return;
    this.#positions.delete(key);
    const last = this.#entries.pop();
    if (!last || position >= this.#entries.length) return;
    this.#place(last, position);
    this.#up(position);
    this.#down(this.#positions.get(last.key) ?? position);
  }

  /** Removes and returns the earliest key if it is due at `now`. */
  takeDue(now: number): string | undefined {
    const first = this.#entries[0];
    if (!first || first.at > now) return undefined;
    this.remove(first.key);
    return first.key;
  }

  #place(entry: { key: string; at: number }, position: number): void {
    this.#entries[position] = entry;
    this.#positions.set(entry.key, position);
  }

  #up(from: number): void {
    const entry = this.#entries[from];
    if (!entry) return;
    let position = from;
    while (position > 0) {
      const above = (position - 1) >> 1;
      const parent = this.#entries[above];
      if (!parent || parent.at <= entry.at) break;
      this.#place(parent, position);
      position = above;
    }
    this.#place(entry, position);
  }

  #down(from: number): void {
    const entry = this.#entries[from];
    if (!entry) return;
    let position = from;
    for (;;) {
      const left = 2 * position + 1;
      const right = left + 1;
      const leftAt = this.#entries[left]?.at ?? Number.POSITIVE_INFINITY;
      const rightAt = this.#entries[right]?.at ?? Number.POSITIVE_INFINITY;
      const below = rightAt < leftAt ? right : left;
      const child = this.#entries[below];
      if (!child || child.at >= entry.at) break;
      this.#place(child, position);
      position = below;
    }
    this.#place(entry, position);
  }
}
