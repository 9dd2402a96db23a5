/** A clock of the CPU time of the measured processes: other load on the machine does not affect it. */
export class CpuClock {
  readonly #at: number[] = [];
  readonly #cpuMs: number[] = [];

  /** Notes how much CPU time was used up to a moment, ms; in order. */
  sample(at: number, cpuMs: number): void {
    this.#at.push(at);
    this.#cpuMs.push(cpuMs);
  }

  /** CPU time between two moments, ms; even between two samples, and none outside of them. */
  between(from: number, to: number): number {
    return Math.max(0, this.#read(to) - this.#read(from));
  }

  #read(at: number): number {
    let [low, high] = [0, this.#at.length - 1];
    const cpuMs = (i: number) => this.#cpuMs[i] ?? 0;
    const time = (i: number) => this.#at[i] ?? 0;
    if (high < 0 || at <= time(0)) return cpuMs(0);
    if (at >= time(high)) return cpuMs(high);
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (time(middle) <= at) low = middle;
      else high = middle;
    }
    const share = (at - time(low)) / (time(high) - time(low));
    return cpuMs(low) + share * (cpuMs(high) - cpuMs(low));
  }
}
