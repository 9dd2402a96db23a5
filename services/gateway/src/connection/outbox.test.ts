import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
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

test('while the socket takes nothing frames wait, up to the limits', async (t) => {
  let now = 1_000;
  t.mock.method(performance, 'now', () => now);
  const { socket, box, add } = outbox();
  socket.open = false;
  add('more than ten bytes');
  await tick();
  for (let i = 0; i < 3; i++) assert.ok(add(`w${i}`, { frames: 3, bytes: 100 }));
  assert.equal(box.length, 3);
  assert.equal(box.bytes, 6);
  assert.ok(add('w3', { frames: 3, bytes: 100 }), 'it may yet take some');
  now += 2_000;
  assert.ok(!add('w4', { frames: 3, bytes: 100 }), 'it has taken nothing for long');
  assert.ok(!add('w5', { frames: 300, bytes: 9 }));
  assert.ok(add('w6', { frames: 300, bytes: 100 }));
  socket.drainNow();
  await tick();
  await tick();
  assert.equal(box.length, 0);
  assert.equal(box.bytes, 0);
  assert.equal(socket.writes.join(''), 'more than ten bytesw0w1w2w3w4w5w6');
});

test('what is released in one go has its bounds too', async () => {
  for (const limits of [
    { frames: 3, bytes: 1_000 },
    { frames: 1_000, bytes: 6 },
  ]) {
    const { socket, add } = outbox();
    socket.open = false;
    add('more than ten bytes');
    await tick();
    let taken = 0;
    while (add('ww', limits)) assert.ok(++taken < 100, 'no bound');
    assert.equal(taken, 12, 'four times the limit');
  }
});

/** A connection over loopback. */
async function socketPair(t: TestContext): Promise<[Socket, Socket]> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [accepted] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    client.destroy();
    accepted.destroy();
    server.close();
  });
  return [accepted, client];
}

const REAL = { frames: 256, bytes: 4_194_304 };

test('a client that reads takes more than the limit released in one tick', async (t) => {
  const [socket, client] = await socketPair(t);
  let received = 0;
  client.on('data', (chunk) => {
    received += chunk.length;
  });
  const box = new Outbox(socket, new TickFlusher());
  const frame = Buffer.alloc(256_000);
  for (let i = 0; i < 40; i++) assert.ok(box.add(frame, REAL), `cut at frame ${i}`);
  while (received < 40 * frame.length) await tick();
  // And many small ones, more than may wait at a time.
  for (let i = 0; i < 900; i++) assert.ok(box.add(frame.subarray(0, 3_000), REAL), `cut at frame ${i}`);
  while (received < 40 * frame.length + 900 * 3_000) await tick();
  assert.equal(box.bytes, 0);
});

test('a client that reads nothing is cut at its bound, whatever the pace', async (t) => {
  const [socket] = await socketPair(t);
  const box = new Outbox(socket, new TickFlusher());
  const frame = Buffer.alloc(256_000);
  let sent = 0;
  while (box.add(frame, REAL)) {
    assert.ok(++sent < 1_000, 'never cut');
    await tick();
  }
  assert.ok(box.bytes > REAL.bytes);
  assert.ok(box.bytes <= 4 * REAL.bytes + frame.length, `${box.bytes} bytes wait`);
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
