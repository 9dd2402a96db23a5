import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { make } from '@im/protocol';
import { decodeFrame, encodeFrame, TickWriter } from './frames.ts';

function writer() {
  const written: string[][] = [];
  return {
    written,
    to: new TickWriter<string>(
      (items) => {
        written.push(items);
        return true;
      },
      (item) => item.length,
    ),
  };
}

test('what is written in one tick goes together, in order', async () => {
  const { written, to } = writer();
  to.push('a');
  to.push('b');
  assert.deepEqual(written, []);
  await tick();
  to.push('c');
  await tick();
  assert.deepEqual(written, [['a', 'b'], ['c']]);
});

test('much data is cut to pieces, and one large item goes alone', async () => {
  const { written, to } = writer();
  const large = 'x'.repeat(1_000_000);
  for (const item of ['a', large, 'b', 'y'.repeat(200_000), 'z'.repeat(200_000)]) to.push(item);
  await tick();
  assert.deepEqual(
    written.map((items) => items.map((item) => item.length)),
    [[1], [1_000_000], [1, 200_000], [200_000]],
  );
});

test('what the other side does not take waits, and then goes on in frames of a fair size', async () => {
  const written: number[] = [];
  let open = false;
  const to = new TickWriter<string>(
    (items) => {
      written.push(items.length);
      return open;
    },
    (item) => item.length,
  );
  const item = 'x'.repeat(100_000);
  to.push(item);
  await tick();
  assert.deepEqual([written, to.blocked], [[1], true]);
  for (let i = 0; i < 7; i++) to.push(item);
  await tick();
  assert.deepEqual(written, [1]);
  open = true;
  to.resume();
  assert.deepEqual([written, to.blocked], [[1, 2, 2, 2, 1], false]);
  to.push('y');
  await tick();
  assert.deepEqual(written, [1, 2, 2, 2, 1, 1]);
});

test('what was not handed on can be taken back', async () => {
  const { written, to } = writer();
  to.push('a');
  assert.deepEqual(to.takeBack(), ['a']);
  await tick();
  assert.deepEqual(written, []);
});

test('frames survive the wire', () => {
  const call = make('rpc.Call', { id: 4_294_967_295, method: 'user.x', request: Buffer.from('é') });
  const { calls, replies, hello, draining } = decodeFrame(encodeFrame({ calls: [call], hello: true }));
  assert.equal(calls[0]?.id, 4_294_967_295);
  assert.equal(Buffer.from(calls[0]?.request ?? []).toString(), 'é');
  assert.deepEqual([replies.length, hello, draining], [0, true, false]);
});
