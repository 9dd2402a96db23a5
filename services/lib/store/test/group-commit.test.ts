import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import type { GroupCommitWrite, GroupCommitWriter } from '../src/group-commit.ts';
import { openStore, SHARED, startServers, type TestStore, testTenants, untilReady } from './harness.ts';

interface Item {
  _id: string;
  n: number;
}

let servers: Awaited<ReturnType<typeof startServers>>;
let opened: TestStore;
let writer: GroupCommitWriter;

before(async () => {
  servers = await startServers();
  opened = await openStore(servers.uris, { tenants: testTenants(SHARED) });
  await untilReady(opened.store);
  writer = opened.store.groupCommit.open();
});
after(async () => {
  await writer?.close();
  await opened?.[Symbol.asyncDispose]();
  await servers?.stop();
});

/** So many that they are done with one commit. */
const MANY = 8;
const many = (id: string) => Array.from({ length: MANY }, (_, i) => `${id}.${i}`);
const items = (name: string) => opened.store.shared<Item>(name);
const place = (name: string) => ({ database: items(name).dbName, collection: name });
const insert = (name: string, _id: string, n: number): GroupCommitWrite => ({
  ...place(name),
  insert: { _id, n },
});
const set = (name: string, _id: string, n: number): GroupCommitWrite => ({
  ...place(name),
  filter: { _id, n: { $not: { $gte: n } } },
  update: { $set: { n } },
});

test('writes of several collections are done at once', async () => {
  assert.equal(await writer.write([insert('one', 'a', 1), insert('one', 'b', 1), set('two', 'a', 5)]), true);
  assert.equal(await writer.write([set('two', 'a', 6), set('two', 'b', 7), insert('one', 'c', 1)]), true);
  assert.equal(await items('one').countDocuments({}), 3);
  assert.deepEqual(
    (await items('two').find({}).sort({ _id: 1 }).toArray()).map(({ n }) => n),
    [6, 7],
  );
});

test('few are done by one command, in order, up to the first that cannot be', async () => {
  assert.equal(await writer.write([insert('few', 'a', 1), set('few', 'b', 2)]), true);
  assert.equal(await writer.write([set('few', 'b', 3), insert('few', 'a', 9), set('few', 'c', 1)]), false);
  assert.deepEqual(await items('few').find({}).sort({ _id: 1 }).toArray(), [
    { _id: 'a', n: 1 },
    { _id: 'b', n: 3 },
  ]);
  assert.equal(await writer.write([]), true);
});

test('of many, one that cannot be done takes all others with it', async () => {
  await items('three').insertOne({ _id: 'there', n: 9 });
  // A document that exists, and a guard that does not match.
  for (const obstacle of [insert('three', 'there', 1), set('three', 'there', 4)]) {
    assert.equal(
      await writer.write([
        insert('three', 'x', 1),
        obstacle,
        ...many('y').map((id) => insert('three', id, 1)),
      ]),
      false,
    );
  }
  assert.deepEqual(await items('three').find({}).toArray(), [{ _id: 'there', n: 9 }]);
});

test('writers of the same document step aside or wait; no write is lost', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `d${i}`);
  for (let round = 1; round <= 20; round++) {
    const [together] = await Promise.all([
      writer.write(names.map((name) => set('four', name, round))),
      ...names.map((name) =>
        items('four').updateOne({ _id: name }, { $inc: { others: 1 } }, { upsert: true }),
      ),
    ]);
    if (!together) {
      await items('four').bulkWrite(
        names.map((name) => ({
          updateOne: { filter: { _id: name }, update: { $set: { n: round } }, upsert: true },
        })),
      );
    }
  }
  const docs = await items('four').find({}).toArray();
  assert.equal(docs.length, 20);
  for (const doc of docs) assert.deepEqual({ ...doc, _id: '' }, { _id: '', n: 20, others: 20 });
});

test('what a dead process left half done is undone by its heirs', async () => {
  await items('seven').insertMany(['a', 'b', 'c'].map((_id) => ({ _id, n: 0 })));
  // A writer that died before its commit leaves its documents locked.
  await using client = await new MongoClient(servers.uris.mongo).connect();
  const session = client.startSession();
  session.startTransaction();
  const { database, collection } = place('seven');
  const filter = { _id: 'a' };
  await client
    .db(database)
    .collection<Item>(collection)
    .updateOne(filter, { $set: { n: 9 } }, { session });
  const waiting = items('seven').updateOne(filter, { $inc: { m: 1 } });
  const id = session.id?.id;
  assert.ok(id);
  await opened.store.groupCommit.release([id.buffer.subarray(0, 16)]);
  await waiting;
  assert.deepEqual(await items('seven').findOne(filter), { _id: 'a', n: 0, m: 1 });
  await assert.rejects(session.commitTransaction());
});

test('a writer whose session was ended by others goes on', async () => {
  const other = opened.store.groupCommit.open();
  assert.equal(await other.write(many('a').map((id) => insert('eight', id, 1))), true);
  await opened.store.groupCommit.release([other.sessionId]);
  assert.equal(await other.write(many('b').map((id) => insert('eight', id, 1))), true);
  assert.equal(await items('eight').countDocuments({}), 2 * MANY);
  await other.close();
});

test('acknowledged writes are kept after the server was killed', async () => {
  if (!servers.mongo.managed) return;
  const { store } = opened;
  let acknowledged = 0;
  for (let kill = 0; kill < 3; kill++) {
    let killed = false;
    const writing = (async () => {
      for (let i = 0; !killed; i++) {
        const id = `${kill}-${i}`;
        const groupCommit = await writer
          .write([
            ...many(id).map((each) => insert('five', each, 1)),
            insert('six', id, 1),
            insert('seven', id, 1),
          ])
          .catch(() => false);
        if (groupCommit) acknowledged++;
      }
    })();
    const startedAt = acknowledged;
    for (let i = 0; i < 1_500 && acknowledged < startedAt + 5; i++) await sleep(20);
    await sleep(Math.random() * 100);
    await servers.mongo.kill();
    killed = true;
    await servers.mongo.restart();
    await writing;
  }
  await untilReady(store);
  const [five, six] = await Promise.all([items('five').countDocuments({}), items('six').countDocuments({})]);
  assert.ok(acknowledged > 10, `${acknowledged} acknowledged`);
  assert.ok(six >= acknowledged, `${six} of ${acknowledged} are there`);
  assert.equal(five, MANY * six);
});
