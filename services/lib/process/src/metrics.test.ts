import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMetrics } from './metrics.ts';

test('a name asked for twice is one metric, within its registry only', async () => {
  const one = createMetrics();
  const other = createMetrics();
  one.counter('openim_test_total', 'Test', ['kind']).inc({ kind: 'a' });
  one.counter('openim_test_total', 'Test', ['kind']).inc({ kind: 'a' });
  other.counter('openim_test_total', 'Test', ['kind']);
  assert.deepEqual(await one.values('openim_test_total'), [
    { name: 'openim_test_total', labels: { kind: 'a' }, value: 2 },
  ]);
  assert.deepEqual(await other.values('openim_test_total'), []);
  assert.throws(() => one.gauge('openim_test_total', 'Test'), /another type/);
});

test('an observed gauge is read when it is scraped', async () => {
  const metrics = createMetrics();
  let depth = 1;
  metrics.observe('openim_depth', 'Depth', () => depth);
  depth = 7;
  assert.match(await metrics.text(), /openim_depth 7/);
  metrics.observe('openim_depth', 'Depth', () => 9);
  assert.match(await metrics.text(), /openim_depth 9/);
});

test('a derived counter is made of others when it is scraped', async () => {
  const metrics = createMetrics();
  const calls = metrics.counter('openim_calls_total', 'Calls', ['method', 'code']);
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
  metrics.counter('openim_plain_total', 'Plain').inc();
  metrics.counter('openim_plain_total', 'Plain').inc(2);
  const calls = metrics.counter('openim_calls_total', 'Calls', ['method', 'code']);
  calls.inc({ method: 'a', code: '0' });
  calls.labels({ code: '0', method: 'a' }).inc(4);
  calls.inc({ method: 'b', code: '7' }, 3);
  const seconds = metrics.histogram('openim_seconds', 'Seconds', ['method'], [0.1, 1]);
  for (const value of [0.05, 0.1, 0.5, 7]) seconds.observe({ method: 'a' }, value);
  const size = metrics.histogram('openim_size', 'Size', [], [1]);
  size.startTimer()();
  assert.deepEqual(
    (await metrics.text()).split('\n').filter((line) => line !== '' && !/^# HELP|openim_size_sum/.test(line)),
    [
      '# TYPE openim_plain_total counter',
      'openim_plain_total{instance="x"} 3',
      '# TYPE openim_calls_total counter',
      'openim_calls_total{method="a",code="0",instance="x"} 5',
      'openim_calls_total{method="b",code="7",instance="x"} 3',
      '# TYPE openim_seconds histogram',
      'openim_seconds_bucket{le="0.1",method="a",instance="x"} 2',
      'openim_seconds_bucket{le="1",method="a",instance="x"} 3',
      'openim_seconds_bucket{le="+Inf",method="a",instance="x"} 4',
      'openim_seconds_sum{method="a",instance="x"} 7.65',
      'openim_seconds_count{method="a",instance="x"} 4',
      '# TYPE openim_size histogram',
      'openim_size_bucket{le="1",instance="x"} 1',
      'openim_size_bucket{le="+Inf",instance="x"} 1',
      'openim_size_count{instance="x"} 1',
    ],
  );
});

test('a gauge rises, falls and ends by its labels, and without labels begins at 0', async () => {
  const metrics = createMetrics();
  metrics.gauge('openim_plain', 'Plain');
  const queue = metrics.gauge('openim_queue', 'Queue', ['name']);
  const a = queue.labels({ name: 'a' });
  a.inc(5);
  a.dec();
  queue.dec({ name: 'a' }, 2);
  queue.set({ name: 'b' }, 7);
  queue.inc({ name: 'b' });
  queue.set({ name: 'gone' }, 1);
  queue.remove({ name: 'gone' });
  assert.deepEqual(
    (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('# HELP')),
    [
      '# TYPE openim_plain gauge',
      'openim_plain 0',
      '# TYPE openim_queue gauge',
      'openim_queue{name="a"} 2',
      'openim_queue{name="b"} 8',
    ],
  );
  assert.throws(() => metrics.counter('openim_plain', 'Plain'), /another type/);
});
