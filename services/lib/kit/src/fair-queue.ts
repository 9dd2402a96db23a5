interface Flow<T> {
  readonly key: string;
  readonly items: T[];
  readonly sizes: number[];
  /** Bytes that it may take before others have their turn. */
  credit: number;
}

/** Bytes that a flow may send per turn; unused bytes are saved for a larger item. */
const TURN_BYTES = 65_536;

/**
 * A queue of several flows, each in its own order, served in turns by bytes (deficit round robin, RFC 8290 section 4.1):
 * an item waits for the items of its own flow and for one turn of each other flow, however much those have queued.
 */
export class FairQueue<T> {
  readonly #flows = new Map<string, Flow<T>>();
  #length = 0;
  #bytes = 0;

  /** Items that wait. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of the items that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Appends an item to its flow. */
  push(key: string, item: T, bytes: number): void {
    let flow = this.#flows.get(key);
    if (flow === undefined) {
      flow = { key, items: [], sizes: [], credit: 0 };
      this.#flows.set(key, flow);
    }
    flow.items.push(item);
    flow.sizes.push(bytes);
    this.#length++;
    this.#bytes += bytes;
  }

  /**
   * Removes and returns the next items.
   * @param maxItems most items.
   * @param maxBytes most bytes; a single larger item is returned alone.
   * @param maxItemBytes a larger item stays, and what is behind it in its flow.
   */
  take(maxItems: number, maxBytes: number, maxItemBytes = Number.POSITIVE_INFINITY): T[] {
    const taken: T[] = [];
    let bytes = 0;
    let idle = 0;
    let held = 0;
    // A flow that still has items moves to the end of the map and is therefore visited again.
    for (const flow of this.#flows.values()) {
      // All remaining flows save up for a large item; small ones do not wait for it.
      if (taken.length > 0 && idle >= this.#flows.size) break;
      if (held >= this.#flows.size) break;
      if ((flow.sizes[0] as number) > maxItemBytes) {
        idle++;
        held++;
        this.#flows.delete(flow.key);
        this.#flows.set(flow.key, flow);
        continue;
      }
      held = 0;
      flow.credit += TURN_BYTES;
      let count = 0;
      let full = false;
      for (; count < flow.items.length; count++) {
        const size = flow.sizes[count] as number;
        if (size > flow.credit || size > maxItemBytes) break;
        full = taken.length === maxItems || (taken.length > 0 && bytes + size > maxBytes);
        if (full) break;
        flow.credit -= size;
        bytes += size;
        taken.push(flow.items[count] as T);
      }
      this.#remove(flow, count);
      if (full) {
        // Its turn continues with the next batch.
        flow.credit -= TURN_BYTES;
        break;
      }
      idle = count === 0 ? idle + 1 : 0;
      this.#flows.delete(flow.key);
      if (flow.items.length > 0) this.#flows.set(flow.key, flow);
    }
    this.#length -= taken.length;
    this.#bytes -= bytes;
    return taken;
  }

  #remove(flow: Flow<T>, count: number): void {
    if (count === flow.items.length) {
      this.#flows.delete(flow.key);
      flow.items.length = 0;
    } else if (count > 0) {
      flow.items.splice(0, count);
      flow.sizes.splice(0, count);
    }
  }
}
