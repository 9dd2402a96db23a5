import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Backoff, retry, sleep } from './backoff.ts';

test('waits grow to their bound and start again after a success', () => {
  const backoff = new Backoff({ baseMs: 100, maxMs: 1_000, random: () => 1 });
  assert.deepEqual(
    Array.from({ length: 6 }, () => backoff.next()),
    [100, 200, 400, 800, 1_000, 1_000],
  );
  backoff.reset();
  assert.equal(backoff.next(), 100);
});

test('jitter is full: waits start at zero', () => {
  assert.equal(new Backoff({ random: () => 0 }).next(), 0);
});

test('a retry ends with success, a final error, or the deadline', async () => {
  const failing = (times: number) => async (n: number) => {
    if (n < times) throw new Error(`attempt ${n}`);
    return n;
  };
  const soon = () => ({ baseMs: 1, deadline: Date.now() + 1_000 });
  assert.equal(await retry(failing(3), soon()), 3);
  await assert.rejects(retry(failing(3), { ...soon(), retryable: () => false }), { message: 'attempt 0' });
  await assert.rejects(
    retry(failing(99), { baseMs: 5, random: () => 1, deadline: Date.now() + 20 }),
    /attempt/,
  );
});

test('a sleep ends with its signal', async () => {
  await assert.rejects(sleep(10_000, AbortSignal.timeout(5)), { name: 'TimeoutError' });
  await assert.rejects(sleep(10_000, AbortSignal.abort(new Error('gone'))), { message: 'gone' });
});
