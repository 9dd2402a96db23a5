import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from '@im/process';
import { transferMetrics } from './metrics.ts';

test('what OpenIM counts is made of the counts of steps and rows', async () => {
  const registry = createMetrics();
  const metrics = transferMetrics(registry);
  metrics.rows.inc(5);
  metrics.deliveries.inc(4);
  metrics.deadLetters.inc();
  const away = () => Promise.reject(new Error('away'));
  for (const stage of ['rows', 'rows', 'effects', 'deliver', 'load'] as const)
    await assert.rejects(metrics.timed(stage, away));
  await metrics.timed('rows', async () => {});
  const value = async (name: string) => (await registry.values(name)).map((sample) => sample.value);
  assert.deepEqual(await value('msg_insert_mongo_success_total'), [5]);
  assert.deepEqual(await value('msg_insert_mongo_failed_total'), [3]);
  assert.deepEqual(await value('msg_insert_redis_success_total'), [4]);
  assert.deepEqual(await value('msg_insert_redis_failed_total'), [1]);
  assert.deepEqual(await value('seq_set_failed_total'), [1]);
});
