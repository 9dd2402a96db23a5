import { endWith, type Span, type Tracer } from '@im/kit';
import type { ReadRecord } from './batch.ts';
import type { Stage, TransferMetrics } from './metrics.ts';

/** Records of a batch of which the trace is continued; the others' deliveries continue where they were appended. */
const MAX_TRACED = 128;

/**
 * The steps of a batch of the log in the traces of its records. Each record of a sampled trace has one, which its
 * deliveries continue. The stages are those of the record's step where one record is traced, else of one step in a
 * trace of the batch, to which the records' steps are linked.
 */
export class BatchTrace {
  readonly #batch: Span | undefined;
  readonly #folds: readonly Span[];

  /** Begins the steps; undefined when no record belongs to a sampled trace. */
  static of(tracer: Tracer, records: readonly ReadRecord[]): BatchTrace | undefined {
    const traced = records
      .filter(({ record, delivered }) => record.traceparent !== '' && !delivered)
      .slice(0, MAX_TRACED);
    return traced.length === 0 ? undefined : new BatchTrace(tracer, traced, records.length);
  }

  private constructor(tracer: Tracer, traced: readonly ReadRecord[], records: number) {
    const attributes = { 'openim.batch_size': records };
    const traceparents = traced.map(({ record }) => record.traceparent);
    const batch = traced.length > 1 ? tracer.gather(traceparents, 'fold batch', { attributes }) : undefined;
    this.#folds = traced.flatMap(({ tenant, partition, record }) => {
      const span = tracer.resume(record.traceparent, tenant, 'fold', {
        kind: 'consumer',
        attributes: { 'openim.partition': partition, 'openim.operation_id': record.operationID },
        ...(batch && { links: [batch.traceparent] }),
      });
      if (span) record.traceparent = span.traceparent;
      return span ?? [];
    });
    this.#batch = traced.length > 1 ? batch : this.#folds[0];
  }

  /** The work of a stage as a step. */
  stage<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    const working = work();
    const span = this.#batch?.child(stage);
    if (span) endWith(span, working);
    return working;
  }

  /** Ends the steps when the batch ends, as it ends. */
  endWith(work: Promise<unknown>): void {
    for (const span of new Set(this.#batch ? [this.#batch, ...this.#folds] : this.#folds))
      endWith(span, work);
  }
}

/** Measures the work of a stage, and makes it a step of the batch's traces where it has some. */
export function timedStage<T>(
  metrics: TransferMetrics,
  trace: BatchTrace | undefined,
  stage: Stage,
  work: () => Promise<T>,
): Promise<T> {
  return trace ? trace.stage(stage, () => metrics.timed(stage, work)) : metrics.timed(stage, work);
}
