/**
 * Remembers how far each partition was judged, so that deliveries that come again after a takeover
 * or an outage wake nobody twice. Entries of one record share its position.
 */
export class SeenPositions {
  readonly #upTo = new Map<number, { position: number; entry: number; targets: Set<string> }>();

  /** True the first time that this delivery is offered. */
  first(partition: number, position: number, entry: number, target: string): boolean {
    const seen = this.#upTo.get(partition);
    const later =
      seen === undefined || position > seen.position || (position === seen.position && entry > seen.entry);
    if (later) {
      this.#upTo.set(partition, { position, entry, targets: new Set([target]) });
      return true;
    }
    if (position !== seen.position || entry !== seen.entry || seen.targets.has(target)) return false;
    seen.targets.add(target);
    return true;
  }

  /** Forgets everything: positions have a new meaning. */
  clear(): void {
    this.#upTo.clear();
  }
}
