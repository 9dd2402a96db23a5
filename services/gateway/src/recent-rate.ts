/** Seconds that a rate is averaged over. */
const SECONDS = 10;

/** How often something happened per second of late; a few bytes and no timer. */
export class RecentRate {
  readonly #counts = new Uint32Array(SECONDS);
  readonly #now: () => number;
  #second: number;

  /** @param now monotonic clock in ms; for tests. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#second = Math.floor(now() / 1_000);
  }

  count(): void {
    this.#advance();
    const slot = this.#second % SECONDS;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  /** Average of the last 10 s, the present second included. */
  get perSecond(): number {
    this.#advance();
    return this.#counts.reduce((sum, count) => sum + count, 0) / SECONDS;
  }

  #advance(): void {
    const second = Math.floor(this.#now() / 1_000);
    if (second - this.#second >= SECONDS) this.#counts.fill(0);
    else for (let s = this.#second + 1; s <= second; s++) this.#counts[s % SECONDS] = 0;
    this.#second = second;
  }
}
