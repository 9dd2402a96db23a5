import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DEFAULT_TENANT, tenantId } from '@im/contract';
import type { Backend } from '@im/dev-stores';
import { sleep } from '@im/kit';
import { decode, type log, make } from '@im/protocol';
import { connect } from '@nats-io/transport-node';
import type { DeliveryFeed } from '../src/index.ts';
import { startTestBus, startTestNats, type TestBus, toUser, until } from './bus-harness.ts';

let nats: Backend;
before(async () => {
  nats = await startTestNats();
});
after(async () => {
  await nats[Symbol.asyncDispose]();
});

interface Listening {
  readonly feed: DeliveryFeed;
  readonly got: log.Delivery[];
  readonly gaps: string[];
}

function listen({ bus }: TestBus): Listening {
  const got: log.Delivery[] = [];
  const gaps: string[] = [];
  const feed = bus.deliveries.feed({
    onDelivery: (delivery) => got.push(delivery),
    onGap: (reason) => gaps.push(reason),
  });
  return { feed, got, gaps };
}

/** Waits until the server knows a durable reader: it gets what is published from then on. */
async function made(reader: string): Promise<void> {
  const client = await connect({ servers: nats.uri });
  await until(async () => {
    const answer = await client.request(`$JS.API.CONSUMER.INFO.SEQ.${reader}`);
    return answer.json<{ error?: unknown }>().error === undefined;
  }, `reader ${reader}`);
  await client.close();
}

const quiet = {
  onRedeliver: () => undefined,
  onTakeover: () => undefined,
  state: () => ({ generation: 1, allPartitionsOwned: true }),
};

test('only subscribed targets arrive, in order, copies and stale ones dropped', async () => {
  await using producer = await startTestBus(nats.uri);
  await using gateway = await startTestBus(nats.uri);
  await until(() => producer.bus.ready().ready && gateway.bus.ready().ready, 'ready');
  const announced = producer.bus.deliveries.announceProducer(quiet);
  const { feed, got } = listen(gateway);
  feed.addUser(DEFAULT_TENANT, 'a');
  feed.addUser(DEFAULT_TENANT, 'a');
  feed.addUser(DEFAULT_TENANT, 'gone');
  feed.removeUser(DEFAULT_TENANT, 'gone');
  await feed.barrier();
  await producer.bus.deliveries.publish([
    toUser('a', 'c', 1),
    toUser('gone', 'c', 1),
    toUser('b', 'c', 1),
    toUser('a', 'c', 2),
  ]);
  await producer.bus.deliveries.publish([
    toUser('a', 'c', 1, 2),
    toUser('a', 'c', 2, 2),
    toUser('a', 'c', 3, 2),
    toUser('a', 'c', 4, 1),
  ]);
  producer.bus.deliveries.publishTransient(toUser('a', 'c', 0));
  await until(() => got.length >= 4, 'arrived');
  assert.deepEqual(
    got.map(({ position }) => position),
    [1, 2, 3, 0],
  );
  feed.removeUser(DEFAULT_TENANT, 'a');
  await feed.barrier();
  await producer.bus.deliveries.publish([toUser('a', 'c', 5, 2)]);
  await until(() => got.length >= 5, 'arrived before the last removal');
  feed.removeUser(DEFAULT_TENANT, 'a');
  await feed.barrier();
  await producer.bus.deliveries.publish([toUser('a', 'c', 6, 2)]);
  await sleep(100);
  assert.deepEqual(
    got.slice(4).map(({ position }) => position),
    [5],
  );
  await announced.stop();
  await feed.stop();
});

test('a barrier waits for every live producer, and for none when there is none', async () => {
  await using gateway = await startTestBus(nats.uri);
  const { feed } = listen(gateway);
  await feed.barrier();
  await using one = await startTestBus(nats.uri);
  await using two = await startTestBus(nats.uri);
  const producers = [one, two].map(({ bus }) => bus.deliveries.announceProducer(quiet));
  await until(() => producers.every((producer) => producer.liveProducers().length === 2), 'both known');
  // Barrier, then publish at each: nothing of what follows the barrier may be missed.
  for (let round = 0; round < 50; round++) {
    const user = `u${round}`;
    feed.addUser(DEFAULT_TENANT, user);
    await feed.barrier();
  }
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: 1_000 }, () => feed.barrier()));
  assert.ok(performance.now() - startedAt < 20_000, 'callers of one tick share a request');
  await Promise.all(producers.map((producer) => producer.stop()));
  await feed.barrier();
  await feed.stop();
});

test('a producer that falls silent delays a barrier only until it counts as dead', async () => {
  await using gateway = await startTestBus(nats.uri);
  await using one = await startTestBus(nats.uri);
  const { feed } = listen(gateway);
  const producer = one.bus.deliveries.announceProducer(quiet);
  await until(() => producer.liveProducers().length === 1, 'known');
  await feed.barrier();
  // As a stopped process: no goodbye, no heartbeats, no answers.
  await one.tasks.stop();
  await one.bus.stop(AbortSignal.timeout(1_000));
  const startedAt = performance.now();
  await feed.barrier();
  assert.ok(performance.now() - startedAt < 10_000);
  await feed.stop();
});

test('a durable reader gets every delivery at least once, also those of batches that failed', async () => {
  await using producer = await startTestBus(nats.uri);
  await using push = await startTestBus(nats.uri);
  await until(() => producer.bus.ready().ready && push.bus.ready().ready, 'ready');
  const got: number[] = [];
  let failures = 0;
  const end = new AbortController();
  const consuming = push.bus.deliveries.consume('push-test', {
    maxBatch: 50,
    async onBatch(batch) {
      if (failures++ === 1) throw new Error('planned');
      got.push(...batch.map(({ delivery }) => delivery.position));
    },
    signal: end.signal,
  });
  await made('push-test');
  for (let i = 0; i < 10; i++) {
    await producer.bus.deliveries.publish(
      Array.from({ length: 20 }, (_, k) => toUser(`p${k}`, 'c', i * 20 + k + 1)),
    );
  }
  producer.bus.deliveries.publishTransient(toUser('p1', 'c', 0));
  await until(() => new Set(got).size === 200, 'all arrived');
  assert.ok(!got.includes(0));
  end.abort();
  await consuming;
});

test('what a durable reader puts off comes again alone, counted; the rest of its batch is settled', async () => {
  await using producer = await startTestBus(nats.uri);
  await using push = await startTestBus(nats.uri);
  await until(() => producer.bus.ready().ready && push.bus.ready().ready, 'ready');
  const got: string[] = [];
  const end = new AbortController();
  const consuming = push.bus.deliveries.consume('push-apart', {
    maxBatch: 50,
    async onBatch(batch) {
      got.push(...batch.map(({ delivery, attempt }) => `${delivery.position}/${attempt}`));
      return batch
        .filter(({ delivery, attempt }) => delivery.position === 2 && attempt < 3)
        .map((kept) => ({ kept, delayMs: 50 }));
    },
    signal: end.signal,
  });
  await made('push-apart');
  await producer.bus.deliveries.publish([1, 2, 3].map((position) => toUser('p1', 'apart', position)));
  await until(() => got.includes('2/3'), 'the third attempt');
  assert.deepEqual(got.toSorted(), ['1/1', '2/1', '2/2', '2/3', '3/1']);
  end.abort();
  await consuming;
});

test('a tenant whose deliveries hang holds up no other tenant, and keeps a bounded number in hand', async () => {
  const [ill, well] = [tenantId('ill'), tenantId('well')];
  await using producer = await startTestBus(nats.uri);
  await using push = await startTestBus(nats.uri);
  await until(() => producer.bus.ready().ready && push.bus.ready().ready, 'ready');
  const [got, refused]: number[][] = [[], []];
  let hung = 0;
  const end = new AbortController();
  using _ = { [Symbol.dispose]: () => end.abort() };
  void push.bus.deliveries.consume('push-hanging', {
    maxBatch: 20,
    ahead: () => 30,
    async onBatch(batch) {
      assert.equal(new Set(batch.map(({ tenant }) => tenant)).size, 1);
      if (batch[0]?.tenant === well) got?.push(...batch.map(({ delivery }) => delivery.position));
      else {
        hung += batch.length;
        await new Promise((resolve) => end.signal.addEventListener('abort', resolve));
      }
    },
    onFull(batch) {
      refused?.push(...batch.map(({ delivery }) => delivery.position));
      return [];
    },
    signal: end.signal,
  });
  await made('push-hanging');
  for (let i = 1; i <= 100; i++) {
    await producer.bus.deliveries.publish([toUser('p', 'c', i, 1, ill), toUser('p', 'c', i, 1, well)]);
  }
  await until(() => got?.length === 100, 'all of the other tenant');
  assert.deepEqual(
    got,
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
  await until(() => hung + (refused?.length ?? 0) === 70, 'the rest refused: 30 wait');
  assert.ok(hung > 0 && hung <= 20, `${hung} being handled`);
});

test('a reader that an earlier version made gets room for slow tenants', async () => {
  await using push = await startTestBus(nats.uri);
  await until(() => push.bus.ready().ready, 'ready');
  const client = await connect({ servers: nats.uri });
  const call = async (name: string, body?: object) => {
    const answer = await client.request(`$JS.API.CONSUMER.${name}`, body && JSON.stringify(body));
    return answer.json<{ config: Record<string, unknown>; error?: unknown }>();
  };
  const config = {
    name: 'earlier',
    durable_name: 'earlier',
    deliver_policy: 'new',
    ack_policy: 'explicit',
    max_ack_pending: 4_000,
  };
  await call('CREATE.SEQ.earlier', { stream_name: 'SEQ', config });
  const end = new AbortController();
  const consuming = push.bus.deliveries.consume('earlier', {
    onBatch: async () => undefined,
    signal: end.signal,
  });
  for (;;) {
    const { config: now } = await call('INFO.SEQ.earlier');
    if (now.max_ack_pending === 40_000) break;
    await sleep(50);
  }
  end.abort();
  await consuming;
  await client.close();
});

test('a reader that gathers gets one batch when it is full or its time has come, and gives back at its end what it has not handed on', async () => {
  await using producer = await startTestBus(nats.uri);
  await using push = await startTestBus(nats.uri);
  await until(() => producer.bus.ready().ready && push.bus.ready().ready, 'ready');
  const read = (gatherMs: number, signal: AbortSignal, maxBatch = 500) => {
    const batches: number[][] = [];
    const done = push.bus.deliveries.consume('gathering', {
      gatherMs,
      maxBatch,
      async onBatch(batch) {
        batches.push(batch.map(({ delivery }) => delivery.position));
      },
      signal,
    });
    return { batches, done };
  };
  const publish = async (from: number, count: number) => {
    for (let i = from; i < from + count; i++) {
      await producer.bus.deliveries.publish([toUser('p1', 'gathered', i)]);
    }
  };
  const end = new AbortController();
  // Its time would outlast the test: until the batch is full, nothing arrives.
  const first = read(3_600_000, end.signal, 20);
  await made('gathering');
  await publish(1, 19);
  await sleep(200);
  assert.deepEqual(first.batches, []);
  await publish(20, 1);
  await until(() => first.batches.length > 0, 'a batch');
  assert.deepEqual(
    first.batches.map(({ length }) => length),
    [20],
  );
  end.abort();
  await first.done;
  const short = new AbortController();
  const timed = read(500, short.signal);
  await publish(21, 1);
  await until(() => timed.batches.length > 0, 'one whose time has come');
  assert.deepEqual(timed.batches, [[21]]);
  short.abort();
  await timed.done;
  const patient = new AbortController();
  const gathering = read(3_600_000, patient.signal);
  await publish(22, 1);
  await sleep(200);
  patient.abort();
  await gathering.done;
  assert.deepEqual(gathering.batches, []);

  const again = new AbortController();
  const second = read(0, again.signal);
  // Long before the server would take it for lost.
  await until(() => second.batches.flat().includes(22), 'what was given back');
  assert.deepEqual(second.batches.flat(), [22]);
  again.abort();
  await second.done;
});

test('kicks, presence and invalidations reach all processes, with handlers counted', async () => {
  await using one = await startTestBus(nats.uri);
  await using two = await startTestBus(nats.uri);
  await until(() => one.bus.ready().ready && two.bus.ready().ready, 'ready');
  const seen: string[] = [];
  const ends = [
    two.bus.events.subscribeKicks(DEFAULT_TENANT, 'u1', ({ keepIssue }) => seen.push(`kick ${keepIssue}`)),
    two.bus.events.subscribeAllKicks((tenant, { userID }) => seen.push(`${tenant} ${userID}`)),
    two.bus.events.subscribePresence(DEFAULT_TENANT, 'u1', ({ platformIDs }) =>
      seen.push(`on ${platformIDs}`),
    ),
    two.bus.invalidations.subscribe({
      onKeys: (tenant, keys) => seen.push(`${tenant} stale ${keys}`),
      onMissed: () => seen.push('missed'),
    }),
    one.bus.invalidations.subscribe({ onKeys: () => seen.push('own'), onMissed: () => undefined }),
  ];
  // The server knows subscriptions in their order: with the last one of each process it knows all.
  await until(async () => {
    await one.bus.invalidations.publish(DEFAULT_TENANT, ['probe']);
    return seen.includes('own') && seen.includes('default stale probe');
  }, 'subscriptions');
  await one.bus.invalidations.publish(DEFAULT_TENANT, ['last probe']);
  await until(() => seen.includes('default stale last probe'), 'the last probe');
  seen.length = 0;
  one.bus.events.publishKick(DEFAULT_TENANT, make('event.Kick', { userID: 'u1', keepIssue: 4 }));
  one.bus.events.publishKick(DEFAULT_TENANT, make('event.Kick', { userID: 'u2' }));
  one.bus.events.publishPresence(
    DEFAULT_TENANT,
    make('event.Presence', { userID: 'u1', platformIDs: [1, 5] }),
  );
  await one.bus.invalidations.publish(DEFAULT_TENANT, ['a', 'b']);
  await until(() => seen.length >= 6, 'events');
  assert.deepEqual(seen.toSorted(), [
    'default stale a,b',
    'default u1',
    'default u2',
    'kick 4',
    'on 1,5',
    'own',
  ]);
  for (const end of ends) end();
  one.bus.events.publishKick(DEFAULT_TENANT, make('event.Kick', { userID: 'u1', keepIssue: 4 }));
  await sleep(50);
  assert.equal(seen.length, 6);
  const end = two.bus.invalidations.subscribe({
    onKeys: () => undefined,
    onMissed: () => seen.push('missed'),
  });
  await nats.kill();
  await nats.restart();
  await until(() => seen.includes('missed'), 'told after the outage');
  end();
});

test('payloads arrive as they were published', async () => {
  await using one = await startTestBus(nats.uri);
  await until(() => one.bus.ready().ready, 'ready');
  const payloads: Uint8Array[] = [];
  const feed = one.bus.deliveries.feed({
    onDelivery: (_, payload) => payloads.push(payload),
    onGap: () => undefined,
  });
  feed.addUser(DEFAULT_TENANT, 'a');
  await feed.barrier();
  const outgoing = toUser('a', 'd', 1);
  await one.bus.deliveries.publish([outgoing]);
  await until(() => payloads.length === 1, 'arrived');
  assert.deepEqual(
    decode('log.Delivery', payloads[0] ?? new Uint8Array(0)),
    decode('log.Delivery', outgoing.payload),
  );
  await feed.stop();
});
