import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { createMetrics } from '@im/process';
import { Batcher, ExpiredInQueueError, QueueFullError } from './batcher.ts';

test('what arrives in one tick is one batch, and each item gets its own result', async () => {
  const batches: number[][] = [];
  const batcher = new Batcher<number, number>({
    name: 'test',
    run: async (items) => {
      batches.push([...items]);
      return items.map((n) => (n === 2 ? new RangeError('two') : n * 10));
    },
  });
  const results = await Promise.allSettled([1, 2, 3].map((n) => batcher.add(n)));
  assert.deepEqual(batches, [[1, 2, 3]]);
  assert.deepEqual(
    results.map((r) => (r.status === 'fulfilled' ? r.value : r.reason.message)),
    [10, 'two', 30],
  );
});

test('one batch is in flight at a time, and order is kept', async () => {
  const order: number[] = [];
  let inFlight = 0;
  const batcher = new Batcher<number, void>({
    name: 'test',
    maxBatch: 7,
    run: async (items) => {
      assert.equal(++inFlight, 1);
      await sleep(1);
      order.push(...items);
      inFlight--;
      return items.map(() => undefined);
    },
  });
  const all: Promise<void>[] = [];
  for (let n = 0; n < 100; n++) {
    all.push(batcher.add(n));
    if (n % 10 === 0) await sleep(0);
  }
  await Promise.all(all);
  assert.deepEqual(
    order,
    Array.from({ length: 100 }, (_, n) => n),
  );
});

test('batches end at their bytes; an item larger than that goes alone', async () => {
  const batches: string[][] = [];
  const batcher = new Batcher<string, void>({
    name: 'test',
    maxBytes: 5,
    sizeOf: (item) => item.length,
    run: async (items) => {
      batches.push([...items]);
      return items.map(() => undefined);
    },
  });
  await Promise.all(['aa', 'bb', 'cc', 'dddddddd', 'e'].map((item) => batcher.add(item)));
  assert.deepEqual(batches, [['aa', 'bb'], ['cc'], ['dddddddd'], ['e']]);
});

test('a full queue refuses at once', async () => {
  const gate = Promise.withResolvers<void>();
  const batcher = new Batcher<number, number>({
    name: 'test',
    maxQueue: 2,
    run: async (items) => {
      await gate.promise;
      return [...items];
    },
  });
  const first = batcher.add(1);
  await sleep(10);
  const waiting = [batcher.add(2), batcher.add(3)];
  await assert.rejects(batcher.add(4), QueueFullError);
  gate.resolve();
  assert.deepEqual(await Promise.all([first, ...waiting]), [1, 2, 3]);
});

test('a failed batch, or one with too few results, fails each of its items', async () => {
  const failing = new Batcher<number, number>({
    name: 'test',
    run: async () => {
      throw new Error('broken');
    },
  });
  await assert.rejects(failing.add(1), { message: 'broken' });
  await assert.rejects(failing.add(2), { message: 'broken' });
  const short = new Batcher<number, number>({ name: 'short', run: async () => [] });
  await assert.rejects(short.add(1), { message: /0 results for 1 items/ });
});

test('closing waits for what was handed in and refuses the rest', async () => {
  let done = 0;
  const batcher = new Batcher<number, void>({
    name: 'test',
    maxBatch: 1,
    run: async (items) => {
      await sleep(2);
      done++;
      return items.map(() => undefined);
    },
  });
  const all = [1, 2, 3].map((n) => batcher.add(n));
  await batcher.close();
  assert.equal(done, 3);
  await Promise.all(all);
  await assert.rejects(batcher.add(4), QueueFullError);
});

test('sizes and depth are measured', async () => {
  const metrics = createMetrics();
  const batcher = new Batcher<number, number>({ name: 'test', metrics, run: async (items) => [...items] });
  await Promise.all([1, 2, 3].map((n) => batcher.add(n)));
  const values = await metrics.values('openim_batch_items');
  assert.equal(values.find((v) => v.name.endsWith('_sum'))?.value, 3);
});

test('each item may have its result before the others of its batch', async () => {
  const gate = Promise.withResolvers<void>();
  const batcher = new Batcher<string, string>({
    name: 'test',
    run: async (items, settle) => {
      for (const [i, item] of items.entries()) {
        if (item === 'bad') settle(i, new RangeError(item));
        else if (item !== 'slow') settle(i, item);
      }
      await gate.promise;
      for (let i = 0; i < items.length; i++) settle(i, 'late');
      return undefined;
    },
  });
  const slow = batcher.add('slow');
  const bad = batcher.add('bad');
  assert.equal(await batcher.add('quick'), 'quick');
  await assert.rejects(bad, RangeError);
  gate.resolve();
  assert.equal(await slow, 'late');
  await batcher.close();
});

test('what is in flight for long gives its place away, and counts as waiting', async () => {
  const gate = Promise.withResolvers<void>();
  const batcher = new Batcher<string, string>({
    name: 'test',
    maxBatch: 1,
    maxInFlight: 2,
    slotMs: 5,
    run: async (items) => {
      if (items[0] === 'slow') await gate.promise;
      return [...items];
    },
  });
  const slow: Promise<string>[] = [];
  for (let i = 0; i < 4; i++) {
    slow.push(batcher.add('slow'));
    await sleep(1);
  }
  assert.equal(await batcher.add('quick'), 'quick', 'it waits for a place, not for the slow ones');
  await sleep(20);
  assert.equal(await batcher.add('quick'), 'quick');
  gate.resolve();
  assert.deepEqual(await Promise.all(slow), ['slow', 'slow', 'slow', 'slow']);
  await batcher.close();
});

test('slow items are bounded as waiting ones are', async () => {
  const gate = Promise.withResolvers<void>();
  const batcher = new Batcher<number, number>({
    name: 'test',
    maxQueue: 3,
    slotMs: 1,
    run: async (items) => {
      await gate.promise;
      return [...items];
    },
  });
  const results: Promise<number>[] = [];
  let refused = 0;
  for (let i = 0; i < 20; i++) {
    const result = batcher.add(i);
    result.catch(() => refused++);
    results.push(result);
    await sleep(3);
  }
  gate.resolve();
  await Promise.allSettled(results);
  assert.ok(refused >= 15, `${refused} refused`);
  await batcher.close();
});

test('the queue is bounded by bytes, and what is refused is counted', async () => {
  const gate = Promise.withResolvers<void>();
  const metrics = createMetrics();
  const batcher = new Batcher<string, string>({
    name: 'test',
    metrics,
    sizeOf: (item) => item.length,
    maxQueueBytes: 10,
    run: async (items) => {
      await gate.promise;
      return [...items];
    },
  });
  const first = batcher.add('x'.repeat(50));
  await sleep(5);
  const second = batcher.add('12345');
  await assert.rejects(batcher.add('123456'), QueueFullError);
  const third = batcher.add('12345');
  assert.equal((await metrics.values('openim_batch_refused_total'))[0]?.value, 1);
  gate.resolve();
  assert.deepEqual(
    (await Promise.all([first, second, third])).map(({ length }) => length),
    [50, 5, 5],
  );
});

test('an item that expired in the queue is not started', async () => {
  const gate = Promise.withResolvers<void>();
  const started: number[] = [];
  const batcher = new Batcher<number, number>({
    name: 'test',
    maxBatch: 1,
    expiresAt: (at) => at,
    run: async (items) => {
      started.push(...items);
      await gate.promise;
      return [...items];
    },
  });
  const later = Date.now() + 60_000;
  const first = batcher.add(later);
  await sleep(2);
  const expired = batcher.add(Date.now() - 1);
  const last = batcher.add(later + 1);
  gate.resolve();
  await assert.rejects(expired, ExpiredInQueueError);
  await Promise.all([first, last]);
  assert.deepEqual(started, [later, later + 1]);
});

test('with a pace, a batch begins early only when it is full or follows a batch of one', async () => {
  const batches: number[][] = [];
  const options = {
    name: 'test',
    maxBatch: 3,
    paceMs: 3_600_000,
    run: async (items: readonly number[]) => {
      batches.push([...items]);
      return items.map(() => undefined);
    },
  };
  const batcher = new Batcher<number, undefined>(options);
  await batcher.add(1);
  await Promise.all([2, 3].map((n) => batcher.add(n)));
  assert.deepEqual(batches, [[1], [2, 3]]);
  const waiting = [4, 5].map((n) => batcher.add(n));
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  assert.equal(batches.length, 2);
  await Promise.all([...waiting, batcher.add(6)]);
  assert.deepEqual(batches.at(-1), [4, 5, 6]);

  batches.length = 0;
  const always = new Batcher<number, undefined>({ ...options, paceAlways: true });
  await always.add(1);
  const second = always.add(2);
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  assert.deepEqual(batches, [[1]]);
  await Promise.all([second, always.add(3), always.add(4)]);
});

test('what waits for its pace goes when its time has come', async () => {
  const batches: number[][] = [];
  const batcher = new Batcher<number, undefined>({
    name: 'test',
    paceMs: 5,
    paceAlways: true,
    run: async (items) => {
      batches.push([...items]);
      return items.map(() => undefined);
    },
  });
  await batcher.add(1);
  const second = batcher.add(2);
  await setImmediate();
  await Promise.all([second, batcher.add(3)]);
  await batcher.close();
  assert.equal(batches.flat().length, 3);
});
