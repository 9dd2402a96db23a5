/** Options of {@link Breaker}. */
export interface BreakerOptions {
  /** Failures in a row that open it. @default 10 */
  readonly failures?: number;
  /** First and longest time for which it stays open, ms. @default 1,000 and 30,000 */
  readonly firstMs?: number;
  readonly longestMs?: number;
  readonly now?: () => number;
  readonly random?: () => number;
}

/**
 * Keeps calls from a receiver that has failed several times in a row. Open, it lets one call try after a while; its
 * success closes the breaker, its failure doubles the wait. Waits vary by a quarter.
 */
export class Breaker {
  readonly #failuresToOpen: number;
  readonly #firstMs: number;
  readonly #longestMs: number;
  readonly #now: () => number;
  readonly #random: () => number;
  #failures = 0;
  #openings = 0;
  #opensAt = 0;
  #probing = false;

  constructor({ failures = 10, firstMs = 1_000, longestMs = 30_000, now, random }: BreakerOptions = {}) {
    this.#failuresToOpen = failures;
    this.#firstMs = firstMs;
    this.#longestMs = longestMs;
    this.#now = now ?? (() => performance.now());
    this.#random = random ?? Math.random;
  }

  get open(): boolean {
    return this.#openings > 0;
  }

  /** Whether a call may be made now; each call that may has to report {@link succeeded}, {@link failed} or {@link dropped}. */
  mayCall(): boolean {
    if (!this.open) return true;
    if (this.#probing || this.#now() < this.#opensAt) return false;
    this.#probing = true;
    return true;
  }

  /** Time until a call may be tried, ms; 0 when one may now. */
  get waitMs(): number {
    if (!this.open) return 0;
    return this.#probing ? this.#firstMs : Math.max(0, this.#opensAt - this.#now());
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openings = 0;
    this.#probing = false;
  }

  /** A call that began while it was closed and fails while it is open changes nothing. */
  failed(): void {
    if (this.open && !this.#probing) return;
    this.#failures++;
    if (!this.open && this.#failures < this.#failuresToOpen) return;
    const waitMs = Math.min(this.#longestMs, this.#firstMs * 2 ** Math.min(this.#openings, 20));
    this.#openings++;
    this.#probing = false;
    this.#opensAt = this.#now() + waitMs * (0.75 + this.#random() / 2);
  }

  /** A call ended that says nothing of the receiver, such as one that its caller gave up. */
  dropped(): void {
    this.#probing = false;
  }
}
