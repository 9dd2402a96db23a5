/** Values below this are counted one by one, larger ones with a relative error below 1/64. */
const SUB_BUCKETS = 128;
const HALF = SUB_BUCKETS / 2;
/** Enough for more than an hour in microseconds. */
const MAGNITUDES = 28;

/** Counts of values by size, of fixed memory, for latencies in microseconds. */
export class Histogram {
  private readonly counts = new Uint32Array(SUB_BUCKETS + MAGNITUDES * HALF);
  count = 0;
  max = 0;
  private sum = 0;

  /** @param value not negative; fractions are cut off. */
  add(value: number): void {
    const whole = Math.max(0, Math.floor(value));
    const index = bucketOf(whole);
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.count += 1;
    this.sum += whole;
    if (whole > this.max) this.max = whole;
  }

  merge(other: Histogram): void {
    for (const [i, n] of other.counts.entries()) this.counts[i] = (this.counts[i] ?? 0) + n;
    this.count += other.count;
    this.sum += other.sum;
    this.max = Math.max(this.max, other.max);
  }

  mean(): number {
    return this.count === 0 ? 0 : this.sum / this.count;
  }

  /** The value that the share `quantile` (0 to 1) of all values does not exceed. */
  at(quantile: number): number {
    const wanted = Math.max(1, Math.ceil(this.count * quantile));
    let seen = 0;
    for (const [i, n] of this.counts.entries()) {
      seen += n;
      if (seen >= wanted) return Math.min(upperEnd(i), this.max);
    }
    return this.max;
  }
}

function bucketOf(value: number): number {
  if (value < SUB_BUCKETS) return value;
  const magnitude = Math.min(MAGNITUDES, Math.floor(Math.log2(value)) - 6);
  const sub = Math.min(HALF - 1, Math.floor(value / 2 ** magnitude) - HALF);
  return SUB_BUCKETS + (magnitude - 1) * HALF + sub;
}

function upperEnd(index: number): number {
  if (index < SUB_BUCKETS) return index;
  const magnitude = Math.floor((index - SUB_BUCKETS) / HALF) + 1;
  const sub = (index - SUB_BUCKETS) % HALF;
  return (HALF + sub + 1) * 2 ** magnitude - 1;
}
