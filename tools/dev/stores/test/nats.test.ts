import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AckPolicy,
  DeliverPolicy,
  DiscardPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { type StartedBackends, startBackends } from '../src/index.ts';
import { removeDir, temporaryDir } from './temporary-dir.ts';

/** What the log, the deliveries and the registry rely on, tested on the server with the client alone. */

let dir = '';
let backends: StartedBackends<'nats'>;
let nc: NatsConnection;
let js: JetStreamClient;
let jsm: JetStreamManager;

before(async () => {
  dir = await temporaryDir();
  backends = await startBackends({ dir, only: ['nats'] });
  nc = await connect({ servers: backends.nats.uri, reconnectTimeWait: 50, maxReconnectAttempts: -1 });
  js = jetstream(nc);
  jsm = await jetstreamManager(nc);
});

after(async () => {
  await nc?.close();
  await backends?.stop();
  await removeDir(dir);
});

const LOG = { retention: RetentionPolicy.Limits, storage: StorageType.File, discard: DiscardPolicy.New };

/** All messages of a stream from a sequence on, read by an ordered consumer. */
async function readAll(
  stream: string,
  from: number,
  count: number,
): Promise<{ seq: number; data: string }[]> {
  const consumer = await js.consumers.get(stream, {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: from,
  });
  const messages = await consumer.consume();
  const result: { seq: number; data: string }[] = [];
  for await (const message of messages) {
    result.push({ seq: message.seq, data: message.string() });
    if (result.length === count) break;
  }
  return result;
}

/** The client drops what it is given while it has no connection, so a test asks only after it is back. */
async function reconnected(): Promise<void> {
  for (;;) {
    try {
      await nc.flush();
      return;
    } catch {
      await sleep(20);
    }
  }
}

test('a batch is stored as one: consecutive, in order, across subjects', async () => {
  await jsm.streams.add({ name: 'BATCH', subjects: ['batch.*'], allow_atomic: true, ...LOG });
  const batch = await js.startBatch('batch.0', '0');
  for (let i = 1; i < 99; i++) batch.add(`batch.${i % 4}`, `${i}`);
  const ack = await batch.commit('batch.3', '99');
  assert.equal(ack.count, 100);
  assert.equal(ack.seq, 100);
  const stored = await readAll('BATCH', 1, 100);
  assert.deepEqual(
    stored,
    Array.from({ length: 100 }, (_, i) => ({ seq: i + 1, data: `${i}` })),
  );
});

test('batches of several connections do not mix', async () => {
  await jsm.streams.add({ name: 'SIDE', subjects: ['side'], allow_atomic: true, ...LOG });
  const others = await Promise.all([0, 1, 2].map(() => connect({ servers: backends.nats.uri })));
  await Promise.all(
    others.map(async (other, writer) => {
      for (let b = 0; b < 5; b++) {
        const batch = await jetstream(other).startBatch('side', `${writer}/${b}`);
        for (let i = 1; i < 19; i++) batch.add('side', `${writer}/${b}`);
        await batch.commit('side', `${writer}/${b}`);
      }
    }),
  );
  await Promise.all(others.map((other) => other.close()));
  const stored = await readAll('SIDE', 1, 300);
  for (let at = 0; at < 300; at += 20) {
    assert.equal(new Set(stored.slice(at, at + 20).map((message) => message.data)).size, 1);
  }
});

test('a batch that is not committed leaves nothing; one with a broken expectation is refused whole', async () => {
  await jsm.streams.add({ name: 'NONE', subjects: ['none'], allow_atomic: true, ...LOG });
  const open = await js.startBatch('none', 'a');
  open.add('none', 'b');
  await nc.flush();
  assert.equal((await jsm.streams.info('NONE')).state.messages, 0);
  await assert.rejects(async () => {
    const batch = await js.startBatch('none', 'x', { expect: { lastSequence: 7 } });
    await batch.commit('none', 'y');
  });
  assert.equal((await jsm.streams.info('NONE')).state.messages, 0);
});

test('a full stream refuses new messages and keeps the old', async () => {
  await jsm.streams.add({ name: 'FULL', subjects: ['full'], max_msgs: 2, ...LOG });
  await js.publish('full', '1');
  await js.publish('full', '2');
  await assert.rejects(js.publish('full', '3'), /maximum messages exceeded/);
  assert.equal((await jsm.streams.info('FULL')).state.first_seq, 1);
});

test('an ordered consumer starts in the middle and follows what is published later', async () => {
  await jsm.streams.add({ name: 'FOLLOW', subjects: ['follow'], ...LOG });
  for (let i = 1; i <= 5; i++) await js.publish('follow', `${i}`);
  const reading = readAll('FOLLOW', 4, 4);
  await js.publish('follow', '6');
  await js.publish('follow', '7');
  assert.deepEqual(
    (await reading).map((message) => message.data),
    ['4', '5', '6', '7'],
  );
});

test('a consumer starts by time, and a stream is purged up to a sequence', async () => {
  await jsm.streams.add({ name: 'TIME', subjects: ['time'], ...LOG });
  await js.publish('time', 'before');
  await sleep(20);
  const start = new Date();
  await sleep(20);
  await js.publish('time', 'after');
  const consumer = await js.consumers.get('TIME', {
    deliver_policy: DeliverPolicy.StartTime,
    opt_start_time: start.toISOString(),
  });
  assert.equal((await consumer.next())?.string(), 'after');
  await jsm.streams.purge('TIME', { seq: 2 });
  assert.equal((await jsm.streams.info('TIME')).state.first_seq, 2);
});

test('a memory stream captures plain publishes and forgets by age', async () => {
  await jsm.streams.add({
    name: 'AGED',
    subjects: ['aged.>'],
    storage: StorageType.Memory,
    max_age: 300 * 1_000_000,
  });
  const live = nc.subscribe('aged.u.*', { max: 1 });
  const { seq } = await js.publish('aged.u.x', 'text');
  for await (const message of live) assert.equal(message.string(), 'text');
  assert.equal((await readAll('AGED', seq, 1))[0]?.data, 'text');
  const deadline = Date.now() + 5_000;
  while ((await jsm.streams.info('AGED')).state.messages > 0) {
    assert.ok(Date.now() < deadline, 'the message is dropped after max_age');
    await sleep(50);
  }
});

test('a durable consumer shares work and redelivers what is not acknowledged', async () => {
  await jsm.streams.add({ name: 'WORK', subjects: ['work'], ...LOG });
  await jsm.consumers.add('WORK', {
    durable_name: 'push',
    ack_policy: AckPolicy.Explicit,
    ack_wait: 200 * 1_000_000,
  });
  await js.publish('work', 'once');
  const consumer = await js.consumers.get('WORK', 'push');
  const first = await consumer.next({ expires: 2_000 });
  assert.equal(first?.redelivered, false);
  const again = await consumer.next({ expires: 5_000 });
  assert.equal(again?.redelivered, true);
  assert.equal(await again?.ackAck(), true);
  assert.equal((await consumer.info()).num_ack_pending, 0);
});

test('a KV bucket compares and sets, and a watcher sees every change', async () => {
  const kv = await new Kvm(nc).create('registry', { history: 1 });
  const watch = await kv.watch();
  const revision = await kv.create('tenant', 'v1');
  await assert.rejects(kv.create('tenant', 'again'));
  await kv.update('tenant', 'v2', revision);
  await assert.rejects(kv.update('tenant', 'v3', revision));
  await kv.delete('tenant');
  const seen: string[] = [];
  for await (const entry of watch) {
    seen.push(`${entry.operation} ${entry.string()}`);
    if (entry.operation === 'DEL') break;
  }
  assert.deepEqual(seen, ['PUT v1', 'PUT v2', 'DEL ']);
});

test('acknowledged messages outlive kill -9, and the client and an ordered consumer go on by themselves', {
  skip: process.env.NATS_URL ? 'external' : false,
  timeout: 60_000,
}, async () => {
  await jsm.streams.add({ name: 'KILL', subjects: ['kill'], allow_atomic: true, ...LOG });
  const reading = readAll('KILL', 1, 31);
  for (let i = 0; i < 3; i++) {
    const batch = await js.startBatch('kill', `${i}`);
    for (let j = 1; j < 9; j++) batch.add('kill', `${i}`);
    await batch.commit('kill', `${i}`);
  }
  await backends.nats.kill('SIGKILL');
  await backends.nats.restart();
  await reconnected();
  assert.equal((await jsm.streams.info('KILL')).state.messages, 30);
  await js.publish('kill', 'after');
  const stored = await reading;
  assert.deepEqual(
    stored.map((message) => message.seq),
    Array.from({ length: 31 }, (_, i) => i + 1),
  );
  assert.equal(stored.at(-1)?.data, 'after');
});
