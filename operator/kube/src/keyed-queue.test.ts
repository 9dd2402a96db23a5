import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@im/dev-kubernetes';
import { createMetrics } from '@im/process';
import { createKeyedQueue } from './keyed-queue.ts';

function make(random = () => 1) {
  const metrics = createMetrics();
  const queue = createKeyedQueue({ name: 'q', metrics, backoff: { baseMs: 20, maxMs: 80 }, random });
  const stop = new AbortController();
  return { queue, metrics, stop };
}

test('a key that is added several times is handled once', async () => {
  const { queue, stop } = make();
  const seen: string[] = [];
  for (const key of ['a', 'b', 'a', 'a']) queue.add(key);
  assert.equal(queue.depth, 2);
  const running = queue.run(
    1,
    async (key) => {
      seen.push(key);
    },
    stop.signal,
  );
  await eventually(() => assert.deepEqual(seen, ['a', 'b']));
  stop.abort();
  await running;
});

test('a key that is added while it is handled runs again, and never twice at once', async () => {
  const { queue, stop } = make();
  let active = 0;
  let runs = 0;
  queue.add('a');
  const running = queue.run(
    4,
    async () => {
      assert.equal(++active, 1);
      if (++runs === 1) for (let i = 0; i < 3; i++) queue.add('a');
      await sleep(10);
      active--;
    },
    stop.signal,
  );
  await eventually(() => assert.equal(runs, 2));
  await sleep(30);
  stop.abort();
  await running;
  assert.equal(runs, 2);
});

test('at most the given number of keys is handled at once', async () => {
  const { queue, stop } = make();
  let active = 0;
  let most = 0;
  for (let i = 0; i < 9; i++) queue.add(`k${i}`);
  let done = 0;
  const running = queue.run(
    3,
    async () => {
      most = Math.max(most, ++active);
      await sleep(5);
      active--;
      if (++done === 9) stop.abort();
    },
    stop.signal,
  );
  await running;
  assert.equal(most, 3);
  assert.equal(done, 9);
});

test('the earliest of several delays counts, and a change precedes all', async () => {
  const { queue, stop } = make();
  const startedAt = performance.now();
  const at: [string, number][] = [];
  queue.addAfter('a', 10_000);
  queue.addAfter('a', 60);
  queue.addAfter('a', 20_000);
  queue.addAfter('b', 30_000);
  queue.add('b');
  const running = queue.run(
    2,
    async (key) => {
      at.push([key, performance.now() - startedAt]);
      if (key === 'a') stop.abort();
    },
    stop.signal,
  );
  await running;
  assert.deepEqual(
    at.map(([key]) => key),
    ['b', 'a'],
  );
  assert.ok((at[1]?.[1] ?? 0) >= 59, String(at[1]?.[1]));
});

test('waits after failures double up to a bound, for each key alone, until it is forgotten', async () => {
  const { queue, stop, metrics } = make();
  const times: number[] = [];
  const counts: number[] = [];
  queue.add('a');
  const running = queue.run(
    1,
    async (key) => {
      times.push(performance.now());
      if (times.length === 5) queue.forget(key);
      if (times.length === 6) stop.abort();
      else counts.push(queue.retry(key));
    },
    stop.signal,
  );
  await running;
  const waits = times.slice(1).map((time, i) => time - (times[i] ?? 0));
  for (const [i, least] of [20, 40, 80, 80, 20].entries()) {
    assert.ok((waits[i] ?? 0) >= least - 1, `${waits}`);
  }
  assert.deepEqual(counts, [1, 2, 3, 4, 1]);
  assert.equal((await metrics.values('openim_operator_queue_retries_total'))[0]?.value, 5);
});

test('a stop awaits what is handled and keeps what is queued for the next run', async () => {
  const { queue, stop } = make();
  const done: string[] = [];
  const work = async (key: string) => {
    if (key === 'a') {
      stop.abort();
      queue.add('a');
    }
    await sleep(20);
    done.push(key);
  };
  queue.add('a');
  queue.add('b');
  queue.addAfter('c', 5);
  await queue.run(1, work, stop.signal);
  assert.deepEqual(done, ['a']);

  const next = new AbortController();
  const seen: string[] = [];
  await queue.run(
    1,
    async (key) => {
      seen.push(key);
      if (seen.length === 3) next.abort();
    },
    next.signal,
  );
  assert.deepEqual(seen.sort(), ['a', 'b', 'c']);
});

test('work that rejects is a fault of the caller and ends the run', async () => {
  const { queue, stop } = make();
  queue.add('a');
  await assert.rejects(
    queue.run(1, () => Promise.reject(new Error('boom')), stop.signal),
    /boom/,
  );
  stop.abort();
});
