import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Db, Long, MongoBulkWriteError, MongoClient, MongoServerError } from 'mongodb';
import { type StartedBackends, startBackends } from '../src/index.ts';
import { removeDir, temporaryDir } from './temporary-dir.ts';

/** What the data layer relies on, tested on the server with the driver alone. */

let dir = '';
let backends: StartedBackends<'mongo'>;
let client: MongoClient;
let db: Db;

before(async () => {
  dir = await temporaryDir();
  backends = await startBackends({ dir, only: ['mongo'] });
  client = new MongoClient(backends.mongo.uri, { writeConcern: { w: 'majority', journal: true } });
  db = client.db(`contract-${process.pid}-${Date.now()}`);
});

after(async () => {
  await db?.dropDatabase();
  await client?.close();
  await backends?.stop();
  await removeDir(dir);
});

interface Row {
  _id: string;
  n?: number;
  tag?: string;
}

test('it is the writable primary of a replica set', async () => {
  const hello = await db.admin().command({ hello: 1 });
  assert.equal(hello.isWritablePrimary, true);
  assert.equal(typeof hello.setName, 'string');
});

test('an unordered insertMany stores all but the duplicates and names these by index', async () => {
  const rows = db.collection<Row>('unordered');
  await rows.insertOne({ _id: 'b', tag: 'first' });
  const batch = ['a', 'b', 'c', 'b', 'd'].map((_id) => ({ _id, tag: 'second' }));
  await assert.rejects(rows.insertMany(batch, { ordered: false }), (error) => {
    assert.ok(error instanceof MongoBulkWriteError);
    const errors = [error.writeErrors].flat();
    assert.deepEqual(
      errors.map(({ index, code }) => ({ index, code })),
      [
        { index: 1, code: 11000 },
        { index: 3, code: 11000 },
      ],
    );
    return true;
  });
  const stored = await rows.find().sort({ _id: 1 }).toArray();
  assert.deepEqual(
    stored.map(({ _id, tag }) => `${_id} ${tag}`),
    ['a second', 'b first', 'c second', 'd second'],
  );
});

test('an upsert with $max only ever raises, $setOnInsert only ever sets once', async () => {
  const rows = db.collection<Row>('max');
  for (const n of [5, 3, 9, 7]) {
    await rows.updateOne({ _id: 'x' }, { $max: { n }, $setOnInsert: { tag: `${n}` } }, { upsert: true });
  }
  assert.deepEqual(await rows.findOne({ _id: 'x' }), { _id: 'x', n: 9, tag: '5' });
});

test('of many concurrent compare-and-set operations exactly one wins', async () => {
  const rows = db.collection<Row>('cas');
  await rows.insertOne({ _id: 'fence', n: 1 });
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      rows.findOneAndUpdate(
        { _id: 'fence', n: 1 },
        { $set: { n: 2, tag: `${i}` } },
        { returnDocument: 'after' },
      ),
    ),
  );
  const winners = results.filter((row) => row !== null);
  assert.equal(winners.length, 1);
  assert.deepEqual(await rows.findOne({ _id: 'fence' }), winners[0]);
});

test('concurrent $inc operations lose none', async () => {
  const rows = db.collection<Row>('inc');
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      for (;;) {
        try {
          return await rows.updateOne({ _id: 'x' }, { $inc: { n: 1 } }, { upsert: true });
        } catch (error) {
          // Upserts that race answer 11000 and are repeated: the rule of the data layer.
          if (!(error instanceof MongoServerError && error.code === 11000)) throw error;
        }
      }
    }),
  );
  assert.equal((await rows.findOne({ _id: 'x' }))?.n, 200);
});

test('a bulk with conditions in its filters skips what is ahead already', async () => {
  const rows = db.collection<Row>('bulk');
  await rows.insertMany([
    { _id: 'old', n: 1 },
    { _id: 'ahead', n: 10 },
  ]);
  const result = await rows.bulkWrite(
    ['old', 'ahead'].map((_id) => ({
      updateOne: { filter: { _id, n: { $lt: 5 } }, update: { $set: { n: 5 } } },
    })),
    { ordered: false },
  );
  assert.equal(result.matchedCount, 1);
  assert.deepEqual(await rows.find().sort({ _id: 1 }).toArray(), [
    { _id: 'ahead', n: 10 },
    { _id: 'old', n: 5 },
  ]);
});

test('a unique index answers 11000, a compound index is used and sorts', async () => {
  const rows = db.collection<Row>('index');
  await rows.createIndex({ tag: 1, n: 1 }, { unique: true });
  await rows.insertMany([3, 1, 2].map((n) => ({ _id: `${n}`, tag: 't', n })));
  await assert.rejects(rows.insertOne({ _id: 'again', tag: 't', n: 1 }), { code: 11000 });
  const query = rows.find({ tag: 't', n: { $gte: 2 } }).sort({ n: -1 });
  assert.deepEqual(
    await query
      .clone()
      .map((row) => row.n)
      .toArray(),
    [3, 2],
  );
  assert.match(JSON.stringify(await query.explain()), /"IXSCAN"/);
});

test('a range of string keys is returned in byte order', async () => {
  const rows = db.collection<Row>('range');
  const seqs = [1, 2, 10, 100].map((seq) => `t\u001fc\u001f${`${seq}`.padStart(16, '0')}`);
  await rows.insertMany([...seqs, 't\u001fc2\u001f0', 't\u001fb\u001f0'].map((_id) => ({ _id })));
  const found = await rows
    .find({ _id: { $gt: 't\u001fc\u001f', $lt: 't\u001fc\u0020' } })
    .sort({ _id: 1 })
    .map((row) => row._id)
    .toArray();
  assert.deepEqual(found, seqs);
});

test('integers above 2^53 survive as Long, bytes as Binary', async () => {
  const rows = db.collection<{ _id: string; big: Long; bytes: Uint8Array }>('types');
  const big = Long.fromString('9007199254740993');
  await rows.insertOne({ _id: 'x', big, bytes: Buffer.from([0, 255, 1]) });
  const row = await rows.findOne({ _id: 'x' }, { promoteLongs: false, promoteBuffers: true });
  assert.equal(row?.big.toString(), '9007199254740993');
  assert.deepEqual(Buffer.from(row?.bytes ?? []), Buffer.from([0, 255, 1]));
});

test('all data survives an orderly restart on the same port', {
  skip: process.env.MONGO_URI ? 'external' : false,
}, async () => {
  const rows = db.collection<Row>('restart');
  await rows.insertOne({ _id: 'kept' });
  const { port } = backends.mongo;
  await backends.mongo.restart();
  assert.equal(backends.mongo.port, port);
  assert.deepEqual(await rows.findOne({ _id: 'kept' }), { _id: 'kept' });
});
