import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CallScope, sleep, withinCall } from '@im/kit';
import { createMetrics } from '@im/process';
import { ImError } from '@im/protocol';
import { conversationSeqs, type Store, userRepo } from '../src/index.ts';
import { openStore, SHARED, startServers, untilReady } from './harness.ts';

const [tenant] = SHARED;
let servers: Awaited<ReturnType<typeof startServers>>;

before(async () => {
  servers = await startServers();
});
after(() => servers?.stop());

const retryable = (error: unknown) => error instanceof ImError && error.code === 90_004;

function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  return withinCall(new CallScope({ deadline: Date.now() + ms }), work);
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !(await condition()); await sleep(20)) {
    if (Date.now() > end) throw new Error(`not within 20 s: ${what}`);
  }
}

const user = (userID: string) => ({
  userID,
  nickname: userID,
  faceURL: '',
  ex: '',
  createTime: 1,
  appMangerLevel: 1,
  globalRecvMsgOpt: 0,
});

const connectionsInUse = async (metrics: ReturnType<typeof createMetrics>) =>
  Number(/^openim_store_mongo_connections_in_use (\d+)$/m.exec(await metrics.text())?.[1]);

test('calls end by their deadline when the database stands still, and leave no work behind', {
  timeout: 120_000,
}, async (t) => {
  const { pid } = servers.mongo;
  if (pid === undefined) return t.skip('the database is external');
  const metrics = createMetrics();
  await using opened = await openStore(servers.uris, { metrics });
  const { store } = opened;
  await untilReady(store);
  const repo = conversationSeqs(store);
  await repo.raiseMin(tenant, 'sg_x', 1);

  process.kill(pid, 'SIGSTOP');
  try {
    const startedAt = performance.now();
    // Four times as many as there are connections: those that wait for one end in time, too.
    const calls = Array.from({ length: 40 }, () => within(400, () => repo.get(tenant, ['sg_x'])));
    for (const { status } of await Promise.allSettled(calls)) assert.equal(status, 'rejected');
    const took = performance.now() - startedAt;
    assert.ok(took < 12_000, `${took} ms instead of 400, or of the 15 s of the socket`);
    await assert.rejects(calls[0] as Promise<unknown>, retryable);
    await until(async () => (await connectionsInUse(metrics)) === 0, 'all connections are free');
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(
    () =>
      within(1_000, () => repo.get(tenant, ['sg_x'])).then(
        () => true,
        () => false,
      ),
    'the next call is answered',
  );
});

test('a call that has no time left asks nothing more, but finishes a change that it has started', {
  timeout: 120_000,
}, async () => {
  const commands: string[] = [];
  const onCommand = ({ command }: { command: object }) => commands.push(Object.keys(command)[0] as string);
  await using opened = await openStore(servers.uris, { onCommand });
  const { store } = opened;
  await untilReady(store);
  const repo = conversationSeqs(store);
  commands.length = 0;
  await within(1_500, async () => {
    await repo.get(tenant, ['sg_y']);
    await sleep(1_600);
    await assert.rejects(async () => repo.get(tenant, ['sg_y']), retryable);
    await assert.rejects(async () => repo.raiseMin(tenant, 'sg_y', 1), retryable);
  });
  assert.equal(commands.filter((name) => name === 'find').length, 1);
  assert.equal(commands.filter((name) => name === 'update').length, 0);
  await within(1_500, async () => {
    await repo.raiseMin(tenant, 'sg_y', 2);
    await sleep(1_600);
    await repo.get(tenant, ['sg_y']);
    await repo.raiseMin(tenant, 'sg_y', 3);
  });
  assert.equal((await repo.get(tenant, ['sg_y'])).get('sg_y')?.min, 3);
});

test('a read ends when its caller has gone; a write does not', { timeout: 120_000 }, async (t) => {
  const { pid } = servers.mongo;
  if (pid === undefined) return t.skip('the database is external');
  await using opened = await openStore(servers.uris);
  const { store } = opened;
  await untilReady(store);
  const repo = conversationSeqs(store);
  const bounds = { deadline: Date.now() + 60_000 };
  const [reader, writer] = [new CallScope(bounds), new CallScope(bounds)];
  process.kill(pid, 'SIGSTOP');
  let write: Promise<unknown>;
  try {
    const read = withinCall(reader, () => repo.get(tenant, ['sg_z']));
    write = withinCall(writer, () => repo.raiseMin(tenant, 'sg_z', 5));
    await sleep(50);
    reader.cancel();
    writer.cancel();
    await assert.rejects(read, retryable);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await write;
  assert.equal((await repo.get(tenant, ['sg_z'])).get('sg_z')?.min, 5);
});

test('who shares a load of a cache is not bounded by the caller with the least time', {
  timeout: 120_000,
}, async (t) => {
  const { pid } = servers.mongo;
  if (pid === undefined) return t.skip('the database is external');
  await using opened = await openStore(servers.uris);
  const { store } = opened;
  await untilReady(store);
  const users = userRepo(store);
  await users.insert(tenant, [user('ann')]);
  process.kill(pid, 'SIGSTOP');
  let patient: Promise<unknown>;
  try {
    const hasty = within(200, () => users.get(tenant, 'ann'));
    patient = within(20_000, () => users.get(tenant, 'ann'));
    hasty.catch(() => undefined);
    await sleep(1_000);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  assert.notEqual(await patient, undefined);
});

test('a Redis that does not answer is left alone after three timeouts, and used again when it answers', {
  timeout: 120_000,
}, async (t) => {
  const { pid } = servers.redis;
  if (pid === undefined) return t.skip('Redis is external');
  const metrics = createMetrics();
  await using opened = await openStore(servers.uris, { metrics });
  const { redis } = opened.store;
  await until(() => redis.up, 'Redis is connected');
  const ask = (store: Store['redis']) =>
    store.orElse<string | null>(
      (client) => client.get('x'),
      () => 'from the truth',
    );
  process.kill(pid, 'SIGSTOP');
  try {
    const times: number[] = [];
    for (let i = 0; i < 50; i++) {
      const startedAt = performance.now();
      assert.equal(await ask(redis), 'from the truth');
      times.push(performance.now() - startedAt);
    }
    assert.equal(times.filter((ms) => ms > 900).length, 3, 'three commands waited');
    assert.equal(redis.up, false);
    assert.match(await metrics.text(), /^openim_store_redis_breaker_open 1$/m);
    assert.match(await metrics.text(), /^openim_store_redis_breaker_trips_total 1$/m);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(() => redis.up, 'Redis is used again');
  assert.equal(await ask(redis), null);
});
