import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { sendAll } from './send-all.ts';
import type { Sender } from './sender.ts';

const never = new AbortController().signal;

function countingSender(failAt = Number.POSITIVE_INFINITY) {
  let startedAt = 0;
  let flying = 0;
  const seen = { most: 0 };
  const sender: Sender = {
    async send() {
      const n = ++startedAt;
      flying += 1;
      seen.most = Math.max(seen.most, flying);
      await sleep(2);
      flying -= 1;
      if (n >= failAt) throw new Error(`refused ${n}`);
      return { clientMsgID: `c${n}`, serverMsgID: `s${n}`, sendTime: n };
    },
    [Symbol.dispose]() {},
  };
  return { sender, seen };
}

test('keeps the requested number of messages in flight, and sends all', async () => {
  const { sender, seen } = countingSender();
  const { sent, failure } = await sendAll(sender, 'x', { count: 20, rate: undefined, concurrency: 4 }, never);
  assert.equal(failure, undefined);
  assert.equal(seen.most, 4);
  assert.deepEqual(
    sent.map((message) => message.clientMsgID),
    Array.from({ length: 20 }, (_, i) => `c${i + 1}`),
  );
});

test('the rate is kept', async () => {
  const { sender } = countingSender();
  const startedAt = performance.now();
  await sendAll(sender, 'x', { count: 11, rate: 100, concurrency: 4 }, never);
  assert.ok(performance.now() - startedAt >= 95);
});

test('the first failure ends the series, and what was sent is known', async () => {
  const { sender } = countingSender(4);
  const { sent, failure } = await sendAll(sender, 'x', { count: 10, rate: undefined, concurrency: 1 }, never);
  assert.equal(sent.length, 3);
  assert.match(String(failure), /refused 4/);
});

test('an abort ends the series without a failure', async () => {
  const { sender } = countingSender();
  const stop = new AbortController();
  let count = 0;
  const { sent, failure } = await sendAll(
    sender,
    'x',
    { count: 1_000, rate: 10, concurrency: 1 },
    stop.signal,
    () => {
      if (++count === 2) stop.abort();
    },
  );
  assert.equal(sent.length, 2);
  assert.equal(failure, undefined);
});
