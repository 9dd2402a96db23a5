/** Resident memory of named processes over time. */
export class MemorySamples {
  readonly #samples: { readonly atMs: number; readonly bytes: Readonly<Record<string, number>> }[] = [];

  add(atMs: number, bytes: Readonly<Record<string, number>>): void {
    this.#samples.push({ atMs, bytes });
  }

  /**
   * Growth per hour by process, in bytes: the slope of the line through the second half of the samples, where
   * caches are filled. Empty with fewer than 4 samples.
   */
  slopes(): Record<string, number> {
    const half = this.#samples.slice(Math.floor(this.#samples.length / 2));
    if (half.length < 2) return {};
    const names = Object.keys(half[0]?.bytes ?? {});
    return Object.fromEntries(
      names.map((name) => [name, slope(half.map(({ atMs, bytes }) => [atMs / 3_600_000, bytes[name] ?? 0]))]),
    );
  }
}

/** Slope of the least-squares line. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (i: 0 | 1) => points.reduce((sum, point) => sum + point[i], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  let above = 0;
  let below = 0;
  for (const [px, py] of points) {
    above += (px - x) * (py - y);
    below += (px - x) ** 2;
  }
  return below === 0 ? 0 : above / below;
}
