import { Slots } from '@im/kit';

/** Bounds of {@link CallSlots}. */
export interface CallBounds {
  /** Calls at once. */
  readonly running: number;
  /** Calls that wait for their turn. */
  readonly waiting: number;
  /** Bytes of both. */
  readonly bytes: number;
}

/** Turns for the calls of one tenant, in the order of asking. */
export class CallSlots {
  readonly #bounds: CallBounds;
  readonly #slots: Slots;
  #bytes = 0;

  constructor(bounds: CallBounds) {
    this.#bounds = bounds;
    this.#slots = new Slots(bounds.running);
  }

  /** Makes `work` wait for its turn. @returns undefined when there are too many calls already. */
  run<T>(bytes: number, work: () => Promise<T>): Promise<T> | undefined {
    const { waiting, bytes: most } = this.#bounds;
    if (this.#slots.waiting >= waiting || (this.#bytes > 0 && this.#bytes + bytes > most)) return undefined;
    this.#bytes += bytes;
    return this.#slots.use(work).finally(() => {
      this.#bytes -= bytes;
    });
  }
}
