import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import { onAbort, unlessAborted, untilAborted } from './abort.ts';

const never = new Promise<never>(() => {});

test('a listener is called once, at once when the signal has aborted, and not after its end', () => {
  const controller = new AbortController();
  const calls: string[] = [];
  onAbort(controller.signal, () => calls.push('first'));
  onAbort(controller.signal, () => calls.push('disposed of'))[Symbol.dispose]();
  controller.abort();
  onAbort(controller.signal, () => calls.push('late'));
  assert.deepEqual(calls, ['first', 'late']);
});

test('work is waited for unless the signal aborts, and no listener stays', async () => {
  const controller = new AbortController();
  const { signal } = controller;
  assert.equal(await unlessAborted(Promise.resolve(1), signal), 1);
  assert.equal(await untilAborted(Promise.resolve(2), signal), 2);
  await assert.rejects(unlessAborted(Promise.reject(new Error('own')), signal), /own/);
  assert.equal(getEventListeners(signal, 'abort').length, 0);
  const refused = assert.rejects(unlessAborted(never, signal), /the end/);
  const left = untilAborted(never, signal);
  controller.abort(new Error('the end'));
  await refused;
  assert.equal(await left, undefined);
  await assert.rejects(unlessAborted(never, signal), /the end/);
});
