import type { Delivery } from '../after/envelope.ts';
import { CONCURRENCY } from './deliverer.ts';

/** A delivery in hand, from the queue or made from a record of the message log. */
export interface HeldDelivery {
  readonly delivery: Delivery;
  /** When it was taken, performance.now(). */
  readonly takenAt: number;
  /** It was taken by the receiver, or stored. */
  done(): void;
  /** It is to come again after a while, to any process. */
  again(delayMs: number): void;
}

export interface LaneDeps {
  /** Attempts and settles it. Never rejects. */
  readonly deliver: (held: HeldDelivery) => Promise<void>;
  /** Stores those that cannot be attempted now, and settles them. Never rejects. */
  readonly store: (held: readonly HeldDelivery[]) => Promise<void>;
  /** It is no longer in hand. */
  readonly release: (held: HeldDelivery) => void;
  /** The receiver takes nothing now. */
  readonly closed: () => boolean;
}

/** Deliveries of a tenant that wait for their turn in memory. */
const MAX_WAITING = 256;
/** Longest wait for it: far shorter than the time after which queue and log hand it to another process. */
const MAX_WAIT_MS = 15_000;
/** Deliveries of a tenant that wait to be stored; more stay where they came from for a while. */
const MAX_TO_STORE = 500;
const AGAIN_MS = 5_000;
/** Deliveries that are stored together. */
const STORE_BATCH = 200;

/**
 * The deliveries of one tenant on their way to its receiver, several at once. What a slow receiver
 * cannot take in time goes to the store, so that queue and log are free for others.
 */
export class Lane {
  readonly #deps: LaneDeps;
  readonly #waiting: HeldDelivery[] = [];
  #toStore: HeldDelivery[] = [];
  #running = 0;
  #storing = false;
  #ended = false;

  constructor(deps: LaneDeps) {
    this.#deps = deps;
  }

  /** Deliveries in hand. */
  get size(): number {
    return this.#waiting.length + this.#toStore.length + this.#running;
  }

  /** Gives back what waits; attempts under way go on. */
  end(): void {
    this.#ended = true;
    for (const held of this.#waiting.splice(0)) this.#giveBack(held, 0);
  }

  add(held: HeldDelivery): void {
    if (this.#ended) {
      this.#giveBack(held, 0);
      return;
    }
    if (this.#deps.closed() || this.#waiting.length >= MAX_WAITING) {
      this.#store(held);
      return;
    }
    this.#waiting.push(held);
    this.#next();
  }

  #next(): void {
    while (this.#running < CONCURRENCY) {
      const held = this.#waiting.shift();
      if (!held) return;
      if (this.#deps.closed() || performance.now() - held.takenAt > MAX_WAIT_MS) {
        this.#store(held);
        continue;
      }
      this.#running++;
      void this.#deps.deliver(held).then(() => {
        this.#running--;
        this.#next();
      });
    }
  }

  #giveBack(held: HeldDelivery, delayMs: number): void {
    held.again(delayMs);
    this.#deps.release(held);
  }

  #store(held: HeldDelivery): void {
    if (this.#toStore.length >= MAX_TO_STORE) {
      this.#giveBack(held, AGAIN_MS);
      return;
    }
    this.#toStore.push(held);
    if (this.#storing) return;
    this.#storing = true;
    // What is given up in the same tick goes together.
    queueMicrotask(() => void this.#storeAll());
  }

  async #storeAll(): Promise<void> {
    while (this.#toStore.length > 0) {
      const batch = this.#toStore.slice(0, STORE_BATCH);
      await this.#deps.store(batch);
      this.#toStore = this.#toStore.slice(batch.length);
    }
    this.#storing = false;
  }
}
