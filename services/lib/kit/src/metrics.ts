import type { Counter, DerivedValue, Gauge, Histogram } from './meters.ts';

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
