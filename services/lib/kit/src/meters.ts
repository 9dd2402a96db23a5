/** Values of labels by name. */
export type Labels<L extends string> = Readonly<Partial<Record<L, string | number>>>;

/** A counter with its labels fixed. */
export interface Tally {
  inc(by?: number): void;
}

/** A histogram with its labels fixed. */
export interface Observer {
  observe(value: number): void;
}

/** A gauge with its labels fixed. */
export interface Level {
  set(value: number): void;
  inc(by?: number): void;
  dec(by?: number): void;
}

/** One line of the text format, in the form that prom-client's registry prints. */
export interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly value: number;
}

/** One value of a count that is made of others. */
export interface DerivedValue<L extends string> {
  readonly labels?: Labels<L>;
  readonly value: number;
}

/** What the registry asks a metric for. */
export interface Reading {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator: 'sum';
  readonly values: readonly Sample[];
}

/** Name, explanation and labels of a metric. */
export interface MeterOptions<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly L[];
}

/** One child for each combination of label values that was asked for. */
class Children<L extends string, C> {
  readonly #names: readonly L[];
  readonly #make: (labels: Labels<L>) => C;
  readonly #made = new Map<string, C>();

  constructor(names: readonly L[], make: (labels: Labels<L>) => C) {
    this.#names = names;
    this.#make = make;
  }

  of(labels: Labels<L> | undefined): C {
    const key = labels ? this.#keyOf(labels) : '';
    let child = this.#made.get(key);
    if (child === undefined) {
      child = this.#make({ ...labels } as Labels<L>);
      this.#made.set(key, child);
    }
    return child;
  }

  all(): Iterable<C> {
    return this.#made.values();
  }

  remove(labels: Labels<L>): void {
    this.#made.delete(this.#keyOf(labels));
  }

  #keyOf(labels: Labels<L>): string {
    const first = this.#names[0];
    if (first === undefined) return '';
    if (this.#names.length === 1) return String(labels[first]);
    return this.#names.map((name) => labels[name]).join('\u0000');
  }
}

/** One value for each combination of labels. */
function readingOf(
  type: 'counter' | 'gauge',
  name: string,
  help: string,
  children: Iterable<{ readonly labels: Labels<string>; readonly value: number }>,
): Reading {
  const values = [...children].map(({ labels, value }) => ({ metricName: name, labels, value }));
  return { name, help, type, aggregator: 'sum', values };
}

class CounterChild implements Tally {
  readonly labels: Labels<string>;
  value = 0;

  constructor(labels: Labels<string>) {
    this.labels = labels;
  }

  inc(by = 1): void {
    this.value += by;
  }
}

/**
 * A count that only rises. Changing one costs an addition: every message changes dozens of them, and
 * prom-client's own build a text out of the labels and check them each time.
 */
export class Counter<L extends string = never> {
  readonly name: string;
  readonly #help: string;
  readonly #children: Children<L, CounterChild>;
  readonly #plain: CounterChild | undefined;

  constructor({ name, help, labelNames }: MeterOptions<L>) {
    this.name = name;
    this.#help = help;
    this.#children = new Children(labelNames, (labels) => new CounterChild(labels));
    this.#plain = labelNames.length === 0 ? this.#children.of(undefined) : undefined;
  }

  inc(by?: number): void;
  inc(labels: Labels<L>, by?: number): void;
  inc(labels?: Labels<L> | number, by?: number): void {
    if (typeof labels === 'object') this.#children.of(labels).inc(by);
    else this.#plain?.inc(labels);
  }

  /** The counter for these labels, for those who count often. */
  labels(labels: Labels<L>): Tally {
    return this.#children.of(labels);
  }

  get(): Reading {
    return readingOf('counter', this.name, this.#help, this.#children.all());
  }
}

class GaugeChild implements Level {
  readonly labels: Labels<string>;
  value = 0;

  constructor(labels: Labels<string>) {
    this.labels = labels;
  }

  set(value: number): void {
    this.value = value;
  }

  inc(by = 1): void {
    this.value += by;
  }

  dec(by = 1): void {
    this.value -= by;
  }
}

/** A value that rises and falls, such as the length of a queue. See {@link Counter} for why it is not prom-client's. */
export class Gauge<L extends string = never> {
  readonly name: string;
  readonly #help: string;
  readonly #children: Children<L, GaugeChild>;
  readonly #plain: GaugeChild | undefined;

  constructor({ name, help, labelNames }: MeterOptions<L>) {
    this.name = name;
    this.#help = help;
    this.#children = new Children(labelNames, (labels) => new GaugeChild(labels));
    this.#plain = labelNames.length === 0 ? this.#children.of(undefined) : undefined;
  }

  set(value: number): void;
  set(labels: Labels<L>, value: number): void;
  set(labels: Labels<L> | number, value = 0): void {
    if (typeof labels === 'object') this.#children.of(labels).set(value);
    else this.#plain?.set(labels);
  }

  inc(by?: number): void;
  inc(labels: Labels<L>, by?: number): void;
  inc(labels?: Labels<L> | number, by?: number): void {
    if (typeof labels === 'object') this.#children.of(labels).inc(by);
    else this.#plain?.inc(labels);
  }

  dec(by?: number): void;
  dec(labels: Labels<L>, by?: number): void;
  dec(labels?: Labels<L> | number, by?: number): void {
    if (typeof labels === 'object') this.#children.of(labels).dec(by);
    else this.#plain?.dec(labels);
  }

  /** The gauge for these labels, for those who change it often. */
  labels(labels: Labels<L>): Level {
    return this.#children.of(labels);
  }

  /** Ends the series of these labels. */
  remove(labels: Labels<L>): void {
    this.#children.remove(labels);
  }

  get(): Reading {
    return readingOf('gauge', this.name, this.#help, this.#children.all());
  }
}

/** A count that is made of others when it is scraped, so that counting once is enough. Equal labels are added up. */
export class DerivedCounter {
  readonly name: string;
  readonly #help: string;
  readonly #names: readonly string[];
  read: () => Iterable<DerivedValue<string>>;

  constructor({ name, help, labelNames }: MeterOptions<string>, read: () => Iterable<DerivedValue<string>>) {
    this.name = name;
    this.#help = help;
    this.#names = labelNames;
    this.read = read;
  }

  get(): Reading {
    const children = new Children<string, CounterChild>(this.#names, (labels) => new CounterChild(labels));
    if (this.#names.length === 0) children.of(undefined);
    for (const { labels, value } of this.read()) children.of(labels).inc(value);
    const values = [...children.all()].map(({ labels, value }) => ({ metricName: this.name, labels, value }));
    return { name: this.name, help: this.#help, type: 'counter', aggregator: 'sum', values };
  }
}

class HistogramChild implements Observer {
  readonly labels: Labels<string>;
  readonly #bounds: readonly number[];
  /** Values by bucket, not summed up; the last one for what is above every bound. */
  readonly counts: Float64Array;
  sum = 0;

  constructor(labels: Labels<string>, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
  }
}

/** Counts of values by size. See {@link Counter} for why it is not prom-client's. */
export class Histogram<L extends string = never> {
  readonly name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  readonly #children: Children<L, HistogramChild>;
  readonly #plain: HistogramChild | undefined;

  /** @param options.buckets upper bounds, rising. */
  constructor({
    name,
    help,
    labelNames,
    buckets,
  }: MeterOptions<L> & { readonly buckets: readonly number[] }) {
    this.name = name;
    this.#help = help;
    this.#bounds = [...buckets];
    this.#children = new Children(labelNames, (labels) => new HistogramChild(labels, this.#bounds));
    this.#plain = labelNames.length === 0 ? this.#children.of(undefined) : undefined;
  }

  observe(value: number): void;
  observe(labels: Labels<L>, value: number): void;
  observe(labels: Labels<L> | number, value = 0): void {
    if (typeof labels === 'object') this.#children.of(labels).observe(value);
    else this.#plain?.observe(labels);
  }

  /** The histogram for these labels, for those who observe often. */
  labels(labels: Labels<L>): Observer {
    return this.#children.of(labels);
  }

  /** Begins to measure; the result observes the seconds since. */
  startTimer(...labels: [L] extends [never] ? [] : [Labels<L>]): () => void {
    const child = this.#plain ?? this.#children.of(labels[0]);
    const startedAt = performance.now();
    return () => child.observe((performance.now() - startedAt) / 1_000);
  }

  get(): Reading {
    const values: Sample[] = [];
    for (const { labels, counts, sum } of this.#children.all()) {
      let total = 0;
      for (const [i, count] of counts.entries()) {
        total += count;
        const le = this.#bounds[i] ?? '+Inf';
        values.push({ metricName: `${this.name}_bucket`, labels: { le, ...labels }, value: total });
      }
      values.push({ metricName: `${this.name}_sum`, labels, value: sum });
      values.push({ metricName: `${this.name}_count`, labels, value: total });
    }
    return { name: this.name, help: this.#help, type: 'histogram', aggregator: 'sum', values };
  }
}
