import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT } from '@im/contract';
import { sleep } from '@im/kit';
import type { log } from '@im/protocol';
import { startTestBus, startTestNats, type TestBus, toUser, until } from './bus-harness.ts';
import { startRelay } from './tcp-relay.ts';

const USERS = 20;
const PER_SECOND = 1_000;
/** As transfer does: what was delivered in the last seconds is delivered again after any doubt. */
const REDELIVERED_MS = 5_000;

/** A stand-in for transfer: makes deliveries at a steady rate and publishes them in order. */
class Source {
  readonly made: { readonly atMs: number; readonly user: string; readonly position: number }[] = [];
  readonly #process: TestBus;
  #cursor = 0;
  #next = 0;
  #fence = 1;
  #stopping = false;
  redeliveries = 0;

  constructor(process: TestBus) {
    this.#process = process;
    process.bus.events.onMissed(() => this.redeliver());
  }

  redeliver(): void {
    const since = (this.made[this.#cursor]?.atMs ?? Date.now()) - REDELIVERED_MS;
    while (this.#cursor > 0 && (this.made[this.#cursor - 1]?.atMs ?? 0) >= since) this.#cursor--;
    this.#next = this.#cursor;
    this.#fence++;
    this.redeliveries++;
  }

  async run(): Promise<void> {
    const startedAt = Date.now();
    while (!this.#stopping || this.#next < this.made.length) {
      while (!this.#stopping && this.made.length < ((Date.now() - startedAt) * PER_SECOND) / 1_000) {
        const position = this.made.length + 1;
        this.made.push({ atMs: Date.now(), user: `u${position % USERS}`, position });
      }
      await this.#publishSome();
      await sleep(1);
    }
  }

  async #publishSome(): Promise<void> {
    const from = this.#next;
    const fence = this.#fence;
    const batch = this.made.slice(from, from + 500);
    try {
      await this.#process.bus.deliveries.publish(
        batch.map(({ user, position }) => toUser(user, `c_${user}`, position, fence)),
      );
      if (this.#fence !== fence) return;
      this.#next = from + batch.length;
      this.#cursor = this.#next;
    } catch {
      if (this.#fence === fence) this.redeliver();
      await sleep(20);
    }
  }

  stop(): void {
    this.#stopping = true;
  }
}

function assertComplete(source: Source, got: readonly log.Delivery[]): void {
  for (let u = 0; u < USERS; u++) {
    const user = `u${u}`;
    const made = source.made.filter((delivery) => delivery.user === user).map(({ position }) => position);
    const arrived = got.filter(({ targetUserID }) => targetUserID === user).map(({ position }) => position);
    assert.deepEqual(arrived, made, `${user}: each once, in order`);
  }
}

test('NATS killed again and again under load: each delivery arrives once and in order', async () => {
  const nats = await startTestNats();
  try {
    await using transfer = await startTestBus(nats.uri);
    await using gateway = await startTestBus(nats.uri);
    await until(() => transfer.bus.ready().ready && gateway.bus.ready().ready, 'ready');
    const source = new Source(transfer);
    const producer = transfer.bus.deliveries.announceProducer({
      onRedeliver: () => source.redeliver(),
      onTakeover: () => undefined,
      state: () => ({ generation: 1, allPartitionsOwned: true }),
    });
    const got: log.Delivery[] = [];
    const gaps: string[] = [];
    const feed = gateway.bus.deliveries.feed({
      onDelivery: (delivery) => got.push(delivery),
      onGap: (reason) => gaps.push(reason),
    });
    for (let u = 0; u < USERS; u++) feed.addUser(DEFAULT_TENANT, `u${u}`);
    await feed.barrier();
    const running = source.run();
    for (let kill = 0; kill < 6; kill++) {
      await sleep(400 + 137 * kill);
      await nats.kill();
      await sleep(kill * 150);
      await nats.restart();
      await until(() => source.redeliveries > kill, 'the outage noticed');
    }
    await sleep(500);
    source.stop();
    await running;
    await until(() => got.length >= source.made.length, 'everything arrived');
    await sleep(300);
    assert.ok(source.made.length > 3_000, `${source.made.length} made`);
    assert.ok(source.redeliveries >= 6);
    assert.deepEqual(gaps, []);
    assertComplete(source, got);
    await producer.stop();
    await feed.stop();
  } finally {
    await nats[Symbol.asyncDispose]();
  }
});

test('a gateway that loses only its own connection replays what it missed', async () => {
  const nats = await startTestNats();
  try {
    await using transfer = await startTestBus(nats.uri);
    const relay = await startRelay(nats.port);
    await using gateway = await startTestBus(`nats://127.0.0.1:${relay.port}`);
    await until(() => transfer.bus.ready().ready && gateway.bus.ready().ready, 'ready');
    const source = new Source(transfer);
    const producer = transfer.bus.deliveries.announceProducer({
      onRedeliver: () => source.redeliver(),
      onTakeover: () => undefined,
      state: () => ({ generation: 1, allPartitionsOwned: true }),
    });
    const got: log.Delivery[] = [];
    const feed = gateway.bus.deliveries.feed({
      onDelivery: (delivery) => got.push(delivery),
      onGap: (reason) => assert.fail(reason),
    });
    for (let u = 0; u < USERS; u++) feed.addUser(DEFAULT_TENANT, `u${u}`);
    await feed.barrier();
    const running = source.run();
    for (let cut = 0; cut < 5; cut++) {
      await sleep(300);
      relay.cut();
      await sleep(cut * 200);
      relay.heal();
    }
    await sleep(600);
    source.stop();
    await running;
    await until(() => got.length >= source.made.length, 'everything arrived');
    await sleep(200);
    assert.equal(source.redeliveries, 0, 'nobody had to deliver again');
    assertComplete(source, got);
    await producer.stop();
    await feed.stop();
    await relay.stop();
  } finally {
    await nats[Symbol.asyncDispose]();
  }
});
