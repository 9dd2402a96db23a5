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

test('a derived counter is made of others when it is scraped', async () => {
  const metrics = createMetrics();
  const calls = metrics.counter('im_calls_total', 'Calls', ['method', 'code']);
  calls.inc({ method: 'a', code: '0' }, 2);
  calls.inc({ method: 'a', code: '7' });
  calls.inc({ method: 'b', code: '7' }, 4);
  metrics.derived('all_calls', 'All calls', [], () => calls.get().values);
  metrics.derived('calls_by_code', 'Calls by code', ['code'], () => []);
  metrics.derived('calls_by_code', 'Calls by code', ['code'], () =>
    calls.get().values.map(({ labels: { code }, value }) => ({ labels: { code }, value })),
  );
  metrics.derived('no_calls', 'No calls', [], () => []);
  const text = await metrics.text();
  for (const line of ['all_calls 7', 'calls_by_code{code="0"} 2', 'calls_by_code{code="7"} 5', 'no_calls 0'])
    assert.ok(text.includes(`\n${line}\n`), line);
  assert.match(text, /# TYPE all_calls counter/);
});

test('counters and histograms print what Prometheus reads', async () => {
  const metrics = createMetrics({ labels: { instance: 'x' } });
  metrics.counter('im_plain_total', 'Plain').inc();
  metrics.counter('im_plain_total', 'Plain').inc(2);
  const calls = metrics.counter('im_calls_total', 'Calls', ['method', 'code']);
  calls.inc({ method: 'a', code: '0' });
  calls.labels({ code: '0', method: 'a' }).inc(4);
  calls.inc({ method: 'b', code: '7' }, 3);
  const seconds = metrics.histogram('im_seconds', 'Seconds', ['method'], [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe({ method: 'a' }, value);
  const size = metrics.histogram('im_size', 'Size', [], [1]);
  size.startTimer()();
  assert.deepEqual(
    (await metrics.text()).split('\n').filter((line) => line !== '' && !/^# HELP|im_size_sum/.test(line)),
    [
      '# TYPE im_plain_total counter',
      'im_plain_total{instance="x"} 3',
      '# TYPE im_calls_total counter',
      'im_calls_total{method="a",code="0",instance="x"} 5',
      'im_calls_total{method="b",code="7",instance="x"} 3',
      '# TYPE im_seconds histogram',
      'im_seconds_bucket{le="0.1",method="a",instance="x"} 2',
      'im_seconds_bucket{le="1",method="a",instance="x"} 3',
      'im_seconds_bucket{le="+Inf",method="a",instance="x"} 4',
      'im_seconds_sum{method="a",instance="x"} 7.65',
      'im_seconds_count{method="a",instance="x"} 4',
      '# TYPE im_size histogram',
      'im_size_bucket{le="1",instance="x"} 1',
      'im_size_bucket{le="+Inf",instance="x"} 1',
      'im_size_count{instance="x"} 1',
    ],
  );
});
