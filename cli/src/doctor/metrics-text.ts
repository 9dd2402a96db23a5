/** One value of the text format of Prometheus. */
export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:\\.|[^"\\])*)"/g;

/** The samples of a page of metrics; lines that are not understood are left out. */
export function parseMetrics(text: string): MetricSample[] {
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('#')) return [];
    const [, name, labels = '', value] = LINE.exec(line) ?? [];
    if (name === undefined || value === undefined) return [];
    const found = [...labels.matchAll(LABEL)].map(([, key = '', each = '']) => [
      key,
      each.replaceAll(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character)),
    ]);
    const number = value === '+Inf' ? Number.POSITIVE_INFINITY : Number(value);
    return [{ name, labels: Object.fromEntries(found), value: number }];
  });
}

/** The sum of a metric over its labels; undefined when it is not there. */
export function sumOf(samples: readonly MetricSample[], name: string): number | undefined {
  const found = samples.filter((sample) => sample.name === name);
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}
