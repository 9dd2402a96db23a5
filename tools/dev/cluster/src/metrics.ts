/** One sample of a metrics page. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The samples of one process. */
export interface Metrics {
  readonly samples: readonly Sample[];
  /** Sum of all samples of this name that carry these labels; 0 when there are none. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

/** Reads the Prometheus text format. */
export function parseMetrics(text: string): Metrics {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!match) continue;
    const labels: Record<string, string> = {};
    for (const pair of (match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
      labels[pair[1] as string] = pair[2] as string;
    }
    samples.push({ name: match[1] as string, labels, value: Number(match[3]) });
  }
  return {
    samples,
    sum(name, labels = {}) {
      let total = 0;
      for (const sample of samples) {
        if (sample.name !== name) continue;
        if (Object.entries(labels).every(([key, value]) => sample.labels[key] === value))
          total += sample.value;
      }
      return total;
    },
  };
}
