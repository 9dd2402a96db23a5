import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './metrics.ts';

test('a name asked for twice is one metric, within its registry only', async () => {
  const one = createMetrics();
  const other = createMetrics();
  one.counter('im_test_total', 'Test', ['kind']).inc({ kind: 'a' });
  one.counter('im_test_total', 'Test', ['kind']).inc({ kind: 'a' });
  other.counter('im_test_total', 'Test', ['kind']);
  assert.deepEqual(await one.values('im_test_total'), [
    { name: 'im_test_total', labels: { kind: 'a' }, value: 2 },
  ]);
  assert.deepEqual(await other.values('im_test_total'), []);
  assert.throws(() => one.gauge('im_test_total', 'Test'), /another type/);
});

test('an observed gauge is read when it is scraped', async () => {
  const metrics = createMetrics();
  let depth = 1;
  metrics.observe('im_depth', 'Depth', () => depth);
  depth = 7;
  assert.match(await metrics.text(), /im_depth 7/);
  metrics.observe('im_depth', 'Depth', () => 9);
  assert.match(await metrics.text(), /im_depth 9/);
});
