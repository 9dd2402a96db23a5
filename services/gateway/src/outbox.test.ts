import assert from 'node:assert/strict';
import { Duplex } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as tick } from 'node:timers/promises';
import { Outbox, TickFlusher } from './outbox.ts';

/** A socket whose writes are recorded, and taken only while `open`. */
class FakeSocket extends Duplex {
  readonly writes: string[] = [];
  open = true;
  ended = false;
  #pending: (() => void) | undefined;

  constructor() {
    super({ writableHighWaterMark: 10 });
  }
  override _read(): void {}
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(chunk.toString());
    if (this.open) done();
    else this.#pending = done;
  }
  override _final(done: () => void): void {
    this.ended = true;
    done();
  }
  /** Takes what was written, and everything after it. */
  drainNow(): void {
    this.open = true;
    this.#pending?.();
    this.#pending = undefined;
  }
}

const LIMITS = { frames: 256, bytes: 1_000_000 };

function outbox(): {
  socket: FakeSocket;
  box: Outbox;
  add: (text: string, limits?: typeof LIMITS) => boolean;
} {
  const socket = new FakeSocket();
  const box = new Outbox(socket, new TickFlusher());
  return { socket, box, add: (text, limits = LIMITS) => box.add(Buffer.from(text), limits) };
}

test('frames of one tick leave in one write, in order', async () => {
  const { socket, add } = outbox();
  for (const text of ['a', 'b', 'c']) add(text);
  assert.deepEqual(socket.writes, []);
  await tick();
  assert.deepEqual(socket.writes, ['abc']);
  add('d');
  await tick();
  assert.deepEqual(socket.writes, ['abc', 'd']);
});

test('while the socket takes nothing frames wait, up to the limits', async () => {
  const { socket, box, add } = outbox();
  socket.open = false;
  add('more than ten bytes');
  await tick();
  for (let i = 0; i < 3; i++) assert.ok(add(`w${i}`, { frames: 3, bytes: 100 }));
  assert.equal(box.length, 3);
  assert.ok(!add('w3', { frames: 3, bytes: 100 }));
  assert.ok(!add('w4', { frames: 300, bytes: 9 }));
  socket.drainNow();
  await tick();
  await tick();
  assert.equal(box.length, 0);
  assert.equal(socket.writes.join(''), 'more than ten bytesw0w1w2w3w4');
});

test('many frames in one tick do not count as waiting while the socket takes them', () => {
  const { socket, box, add } = outbox();
  for (let i = 0; i < 10_000; i++) assert.ok(add('x'));
  assert.ok(box.length < 64);
  box.flush();
  assert.equal(socket.writes.join('').length, 10_000);
});

test('ending closes behind the last frame, and drops later ones', async () => {
  for (const open of [true, false]) {
    const { socket, box, add } = outbox();
    socket.open = open;
    add('a frame that blocks');
    box.flush();
    add('last');
    box.end();
    add('too late');
    if (!open) {
      assert.ok(!socket.ended);
      socket.drainNow();
    }
    await tick();
    await tick();
    assert.equal(socket.writes.join(''), 'a frame that blockslast');
    assert.ok(socket.ended);
  }
});

test('a large fan-out is spread over turns of the event loop', async () => {
  const flusher = new TickFlusher();
  let flushed = 0;
  for (let i = 0; i < 1_200; i++) flusher.add({ flush: () => flushed++ });
  const turns: number[] = [];
  while (flushed < 1_200) {
    await tick();
    turns.push(flushed);
  }
  assert.ok(turns.length >= 3, String(turns));
});
