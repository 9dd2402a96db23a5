import { collectDefaultMetrics, Gauge, type Metric, type MetricType, Registry } from 'prom-client';
import { Counter, DerivedCounter, type DerivedValue, Histogram } from './meters.ts';

/** Buckets for latencies in seconds, 0.5 ms to 10 s. */
export const LATENCY_BUCKETS: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Buckets for sizes of batches and queues, 1 to 4096. */
export const COUNT_BUCKETS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

/**
 * The metrics of one server. Asking twice for a name returns the same metric, so parts that exist
 * several times in a process share it. Labels must be of low cardinality: never users, groups,
 * conversations or free text.
 */
export interface Metrics {
  counter<L extends string = never>(name: string, help: string, labels?: readonly L[]): Counter<L>;
  gauge<L extends string = never>(name: string, help: string, labels?: readonly L[]): Gauge<L>;
  histogram<L extends string = never>(
    name: string,
    help: string,
    labels?: readonly L[],
    buckets?: readonly number[],
  ): Histogram<L>;
  /** A gauge that is read when it is scraped; a second source under the same name replaces the first. */
  observe(name: string, help: string, read: () => number): void;
  /**
   * A counter that is made of others when it is scraped, such as one that dashboards know by another name; a second
   * source under the same name replaces the first.
   */
  derived<L extends string = never>(
    name: string,
    help: string,
    labels: readonly L[],
    read: () => Iterable<DerivedValue<L>>,
  ): void;
  /** All metrics in the Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
  /** For tests and the bench: the values of one metric. */
  values(name: string): Promise<readonly MetricValue[]>;
}

/** One sample. */
export interface MetricValue {
  readonly name: string;
  readonly labels: Readonly<Record<string, string | number | undefined>>;
  readonly value: number;
}

/** Options of {@link createMetrics}. */
export interface MetricsOptions {
  /** Adds the process's own figures: CPU, memory, garbage collection, event-loop delay. Off unless told. */
  readonly process?: boolean;
  /** Labels on every metric. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Sampling of the event-loop delay in ms; a finer one costs wake-ups in idle processes. */
const EVENT_LOOP_SAMPLING_MS = 20;

/** A registry of its own; nothing is shared through globals. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  if (options.labels) registry.setDefaultLabels({ ...options.labels });
  if (options.process) {
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLING_MS });
  }
  const sources = new Map<string, () => number>();

  function existing<T>(name: string, type: abstract new (...args: never[]) => T): T | undefined {
    const metric: unknown = registry.getSingleMetric(name);
    if (metric === undefined) return undefined;
    if (metric instanceof type) return metric;
    throw new TypeError(`metric ${name} already exists with another type`);
  }
  /** The registry only ever asks a metric for its name and its reading. */
  function registered<M extends Counter<string> | DerivedCounter | Histogram<string>>(metric: M): M {
    registry.registerMetric(metric as unknown as Metric);
    return metric;
  }
  function base<L extends string>(name: string, help: string, labels: readonly L[]) {
    return { name, help, labelNames: [...labels], registers: [registry] };
  }

  return {
    counter(name, help, labels = []) {
      return (
        existing(name, Counter<(typeof labels)[number]>) ??
        registered(new Counter({ name, help, labelNames: labels }))
      );
    },
    gauge(name, help, labels = []) {
      return existing(name, Gauge<(typeof labels)[number]>) ?? new Gauge(base(name, help, labels));
    },
    histogram(name, help, labels = [], buckets = LATENCY_BUCKETS) {
      return (
        existing(name, Histogram<(typeof labels)[number]>) ??
        registered(new Histogram({ name, help, labelNames: labels, buckets }))
      );
    },
    observe(name, help, read) {
      const known = sources.has(name);
      sources.set(name, read);
      if (known) return;
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(sources.get(name)?.() ?? 0);
        },
      });
    },
    derived(name, help, labels, read) {
      const known = existing(name, DerivedCounter);
      if (known) known.read = read;
      else registered(new DerivedCounter({ name, help, labelNames: labels }, read));
    },
    text: () => registry.metrics(),
    contentType: registry.contentType,
    async values(name) {
      const metric = registry.getSingleMetric(name);
      if (!metric) return [];
      const read = await metric.get();
      return read.values.map((sample) => ({
        name: 'metricName' in sample ? String(sample.metricName) : name,
        labels: sample.labels,
        value: sample.value,
      }));
    },
  };
}

export type { Counter, Gauge, Histogram, MetricType };
