import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { type Document, type IndexDescription, MongoClient } from 'mongodb';
import { databaseIndexes } from '../src/database-indexes.ts';
import { createIndexBuilds, type IndexBuilds } from '../src/index-builds.ts';
import { indexDescription } from '../src/indexes.ts';
import { USERS } from '../src/repos/user.ts';
import { startServers } from './harness.ts';

/** Longer than the connections of requests wait for an answer; it takes its time, and so only runs when there is some. */
const STOPPED_MS = process.env.FULL === '1' ? 17_000 : 0;
const DOCUMENTS = 60_000;

let servers: Awaited<ReturnType<typeof startServers>>;
let client: MongoClient;
before(async () => {
  servers = await startServers();
  client = await new MongoClient(servers.uris.mongo).connect();
});
after(async () => {
  await client?.close();
  await servers?.stop();
});

const indexOn = (field: string): IndexDescription => ({ key: { t: 1, [field]: 1 }, name: `t_1_${field}_1` });
const place = (collection: string) => ({ database: 'builds', collection });
const namesOf = async (collection: string) =>
  (await client.db('builds').collection(collection).listIndexes().toArray())
    .map(({ name }: Document) => String(name))
    .sort();

function openBuilds(uri = servers.uris.mongo): IndexBuilds & AsyncDisposable {
  const builds = createIndexBuilds(
    { uri },
    { log: silentLogger(), metrics: createMetrics(), progressMs: 20 },
  );
  return { ...builds, [Symbol.asyncDispose]: () => builds.close() };
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10);
}

test('a build goes on when its caller leaves, and the next call with the same indexes joins it', async (t) => {
  if (!servers.mongo.managed) return t.skip('the servers are external');
  await client.db('builds').collection<Document>('joined').insertOne({ t: 'a', s: 'x' });
  await using builds = openBuilds();
  await servers.mongo.kill('SIGSTOP');
  try {
    const leaving = new AbortController();
    const left = builds.build(place('joined'), [indexOn('s')], leaving.signal);
    leaving.abort(new Error('its run is over'));
    await assert.rejects(left, /its run is over/);
    assert.deepEqual(builds.progress(place('joined'))?.indexes, ['t_1_s_1']);
    const joined = builds.build(place('joined'), [indexOn('s')]);
    const next = builds.build(place('next'), [indexOn('s')]);
    await sleep(STOPPED_MS);
    await servers.mongo.kill('SIGCONT');
    await joined;
    assert.deepEqual(await namesOf('joined'), ['_id_', 't_1_s_1']);
    await next;
  } finally {
    await servers.mongo.kill('SIGCONT');
  }
  assert.equal(builds.progress(place('joined')), undefined);
  await builds.build(place('joined'), [indexOn('s')]);
});

test('a build waits for a server that is away, and builds what exists no second time', async (t) => {
  if (!servers.mongo.managed) return t.skip('the servers are external');
  await using builds = openBuilds();
  await servers.mongo.kill();
  const built = builds.build(place('away'), [indexOn('s')]);
  await until(() => builds.progress(place('away')) !== undefined);
  await servers.mongo.restart();
  await built;
  await builds.build(place('away'), [indexOn('s'), indexOn('r')]);
  assert.deepEqual(await namesOf('away'), ['_id_', 't_1_r_1', 't_1_s_1']);
});

test('indexes that the server refuses are an error, and the next build has its turn', async () => {
  await using builds = openBuilds();
  await builds.build(place('refused'), [indexOn('s')]);
  const other = builds.build(place('refused'), [{ key: { t: -1 }, name: 't_1_s_1' }]);
  const next = builds.build(place('refused'), [indexOn('r')]);
  await assert.rejects(other, { name: 'MongoServerError' });
  await next;
  assert.deepEqual(await namesOf('refused'), ['_id_', 't_1_r_1', 't_1_s_1']);
});

test('callers are released when the process stops', async (t) => {
  if (!servers.mongo.managed) return t.skip('the servers are external');
  await using builds = openBuilds();
  await servers.mongo.kill('SIGSTOP');
  try {
    const waiting = ['one', 'two'].map((name) => builds.build(place(name), [indexOn('s')]));
    const released = Promise.allSettled(waiting);
    await builds.close();
    for (const { status } of await released) assert.equal(status, 'rejected');
    await assert.rejects(builds.build(place('three'), [indexOn('s')]), /the process stops/);
  } finally {
    await servers.mongo.kill('SIGCONT');
  }
});

test('a large collection that lacks an index gets it, and delays no other database', async () => {
  // One that saw no server go away.
  await using fresh = new MongoClient(servers.uris.mongo);
  const users = fresh.db('large').collection<{ _id: string; t: string }>('user');
  for (let i = 0; i < DOCUMENTS; i += 5_000) {
    await users.insertMany(Array.from({ length: 5_000 }, (_, k) => ({ _id: `s1 u${i + k}`, t: 's1' })));
  }
  const log = silentLogger();
  const tasks = createTaskRunner({ log, metrics: createMetrics() });
  await using builds = openBuilds();
  const begun = Promise.withResolvers<void>();
  const mayBuild = Promise.withResolvers<void>();
  const held: IndexBuilds = {
    ...builds,
    async build(...args) {
      begun.resolve();
      await mayBuild.promise;
      await builds.build(...args);
    },
  };
  const indexes = databaseIndexes({
    mongo: { client: fresh, connect: async () => {} },
    builds: held,
    tasks,
    log,
    shared: 'cluster',
  });
  try {
    indexes.prepare('large');
    await begun.promise;
    indexes.prepare('small');
    await until(() => indexes.isPrepared('small'));
    assert.equal(indexes.isPrepared('large'), false);
    assert.deepEqual(
      (await users.listIndexes().toArray()).map(({ name }: Document) => name),
      ['_id_'],
    );
    mayBuild.resolve();
    await until(() => indexes.isPrepared('large'));
    const declared = USERS.indexes.map((spec) => indexDescription(spec).name);
    assert.deepEqual(
      (await users.listIndexes().toArray()).map(({ name }: Document) => name).sort(),
      ['_id_', ...declared].sort(),
    );
  } finally {
    mayBuild.resolve();
    await tasks.stop();
  }
});
