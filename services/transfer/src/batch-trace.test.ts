import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT } from '@im/contract';
import { createMetrics } from '@im/process';
import { make } from '@im/protocol';
import { recordingTracer } from '@im/testing';
import type { ReadRecord } from './batch.ts';
import { BatchTrace, timedStage } from './batch-trace.ts';
import { transferMetrics } from './metrics.ts';

const parent = (n: number) => `00-${String(n).repeat(32)}-${String(n).repeat(16)}-01`;

function read(traceparent?: string, delivered = false): ReadRecord {
  const record = make('log.Record', { operationID: 'op', ...(traceparent && { traceparent }) });
  const place = { tenant: DEFAULT_TENANT, partition: 1, position: 1, timeMs: 1, fence: 1, generation: 1 };
  return { ...place, delivered, entry: { ...place, record: new Uint8Array() }, record };
}

test('a batch without a traced record has no trace', () => {
  const { tracer, spans } = recordingTracer();
  assert.equal(BatchTrace.of(tracer, [read(), read(parent(1), true)]), undefined);
  assert.deepEqual(spans, []);
});

test('the stages of a batch are steps of its one traced record', async () => {
  const { tracer, named } = recordingTracer();
  const record = read(parent(1));
  const trace = BatchTrace.of(tracer, [read(), record, read()]);
  const metrics = transferMetrics(createMetrics());
  await timedStage(metrics, trace, 'rows', async () => {});
  const fold = named('fold');
  assert.equal(fold.parent, parent(1));
  assert.equal(record.record.traceparent, fold.traceparent, 'deliveries continue here');
  assert.equal(named('rows').parent, fold.traceparent);
  assert.deepEqual([named('rows').ended, fold.ended], [true, false]);
  const failure = new Error('no');
  const ending = Promise.reject(failure);
  trace?.endWith(ending);
  await assert.rejects(ending);
  assert.deepEqual([fold.ended, fold.error], [true, failure]);
});

test('several traced records have a step each, linked to one of the batch', async () => {
  const { tracer, spans, named } = recordingTracer();
  const records = [read(parent(1)), read(), read(parent(2))];
  const trace = BatchTrace.of(tracer, records);
  await assert.rejects(
    timedStage(transferMetrics(createMetrics()), trace, 'rows', async () => {
      throw new Error('no');
    }),
  );
  const batch = named('fold batch');
  assert.deepEqual(batch.links, [parent(1), parent(2)]);
  const folds = spans.filter(({ name }) => name === 'fold');
  assert.deepEqual(
    folds.map((fold) => [fold.parent, fold.links]),
    [
      [parent(1), [batch.traceparent]],
      [parent(2), [batch.traceparent]],
    ],
  );
  assert.equal(named('rows').parent, batch.traceparent);
  assert.equal((named('rows').error as Error).message, 'no');
  trace?.endWith(Promise.resolve());
  await new Promise(setImmediate);
  assert.ok(spans.every(({ ended }) => ended));
});
