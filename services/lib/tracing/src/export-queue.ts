import type { Counter, Metrics } from '@im/kit';
import { messageOf } from '@im/kit';
import type { Logger } from '@im/process';
import { ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';

/** Spans that wait; further ones are dropped. */
const MAX_WAITING = 4_096;
const MAX_BATCH = 512;
/** Time in which spans are gathered, ms. */
const GATHER_MS = 1_000;
/** A collector that fails is reported once per so many ms. */
const REPORT_MS = 60_000;

export interface ExportQueueDeps {
  readonly exporter: SpanExporter;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/**
 * Spans on their way to the collector: one request at a time, and a bounded number of spans that wait for it. What does
 * not fit, and what the collector does not take, is dropped and counted; nothing waits for a collector.
 */
export class ExportQueue implements SpanProcessor {
  readonly #exporter: SpanExporter;
  readonly #log: Logger;
  readonly #spans: Counter<'outcome'>;
  #waiting: ReadableSpan[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #reportedAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor({ exporter, metrics, log }: ExportQueueDeps) {
    this.#exporter = exporter;
    this.#log = log;
    this.#spans = metrics.counter(
      'openim_tracing_spans_total',
      'Spans recorded, by what became of them: exported, full (the queue had no room), failed (the collector did not take them)',
      ['outcome'],
    );
    metrics.observe(
      'openim_tracing_waiting',
      'Spans that wait for the collector',
      () => this.#waiting.length,
    );
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (this.#closed || this.#waiting.length >= MAX_WAITING) {
      this.#spans.inc({ outcome: this.#closed ? 'failed' : 'full' });
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length >= MAX_BATCH) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), GATHER_MS).unref();
  }

  /** Resolves when everything that waits was sent or dropped. Never rejects. */
  async forceFlush(): Promise<void> {
    while (this.#waiting.length > 0 || this.#sending !== undefined) {
      this.#send();
      await this.#sending;
    }
  }

  async shutdown(): Promise<void> {
    this.#closed = true;
    await this.forceFlush();
    await this.#exporter.shutdown();
  }

  /** Drops what waits. */
  abandon(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    if (this.#waiting.length > 0) this.#spans.inc({ outcome: 'failed' }, this.#waiting.length);
    this.#waiting = [];
  }

  #send(): void {
    if (this.#sending !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#waiting.splice(0, MAX_BATCH);
    if (batch.length === 0) return;
    this.#sending = this.#export(batch).then(() => {
      this.#sending = undefined;
      if (this.#waiting.length >= MAX_BATCH) this.#send();
      else if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#send(), GATHER_MS).unref();
    });
  }

  /** Never rejects. */
  async #export(batch: ReadableSpan[]): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    try {
      this.#exporter.export(batch, ({ code, error }) =>
        resolve(code === ExportResultCode.SUCCESS ? undefined : (error ?? new Error('export failed'))),
      );
    } catch (error) {
      resolve(error);
    }
    const failure = await promise;
    this.#spans.inc({ outcome: failure === undefined ? 'exported' : 'failed' }, batch.length);
    if (failure === undefined || performance.now() - this.#reportedAt < REPORT_MS) return;
    this.#reportedAt = performance.now();
    this.#log.warn(
      { reason: messageOf(failure), spans: batch.length },
      'the collector of tracing.endpoint does not take spans; they are dropped',
    );
  }
}
