import { Counter, DerivedCounter, Gauge, Histogram, LATENCY_BUCKETS, type Metrics } from '@im/kit';
import { collectDefaultMetrics, type Metric, Gauge as ObservedGauge, Registry } from 'prom-client';

/** Options of {@link createMetrics}. */
export interface MetricsOptions {
  /** Adds the process's own figures: CPU, memory, garbage collection, event-loop delay. @default false */
  readonly process?: boolean;
  /** Labels on every metric. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Sampling of the event-loop delay in ms; a finer one costs wake-ups in idle processes. */
const EVENT_LOOP_SAMPLING_MS = 20;

/** A separate registry; nothing is shared through globals. */
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
  function registered<M extends Counter<string> | DerivedCounter | Gauge<string> | Histogram<string>>(
    metric: M,
  ): M {
    registry.registerMetric(metric as unknown as Metric);
    return metric;
  }

  return {
    counter(name, help, labels = []) {
      return (
        existing(name, Counter<(typeof labels)[number]>) ??
        registered(new Counter({ name, help, labelNames: labels }))
      );
    },
    gauge(name, help, labels = []) {
      return (
        existing(name, Gauge<(typeof labels)[number]>) ??
        registered(new Gauge({ name, help, labelNames: labels }))
      );
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
      new ObservedGauge({
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
