import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MongoClient } from 'mongodb';
import { writerSessionRepo } from '../src/index.ts';
import { openStore, SHARED, startServers, type TestStore, testTenants, untilReady } from './harness.ts';

let servers: Awaited<ReturnType<typeof startServers>>;
let opened: TestStore;

before(async () => {
  servers = await startServers();
  opened = await openStore(servers.uris, { tenants: testTenants(SHARED) });
  await untilReady(opened.store);
});
after(async () => {
  await opened?.[Symbol.asyncDispose]();
  await servers?.stop();
});

interface Item {
  _id: string;
  n: number;
}

test('what a dead process has locked is free once a peer ends its sessions, and its commit is lost', async () => {
  const repo = writerSessionRepo(opened.store);
  const items = opened.store.shared<Item>('items');
  await items.insertOne({ _id: 'a', n: 0 });
  // A process that died within a commit.
  await using client = await new MongoClient(servers.uris.mongo).connect();
  const session = client.startSession();
  session.startTransaction();
  const locked = client.db(items.dbName).collection<Item>('items');
  await locked.updateOne({ _id: 'a' }, { $set: { n: 9 } }, { session });
  const id = session.id?.id;
  assert.ok(id);
  await repo.renew({ process: 'dead', beat: 7, sessionIds: [id.buffer.subarray(0, id.position)] });
  await repo.renew({ process: 'own', beat: 1, sessionIds: [new Uint8Array(16)] });
  const waiting = items.updateOne({ _id: 'a' }, { $set: { n: 1 } });
  const others = await repo.others('own');
  assert.deepEqual(
    others.map(({ process, beat }) => [process, beat]),
    [['dead', 7]],
  );
  await repo.end(others);
  await waiting;
  assert.equal((await items.findOne({ _id: 'a' }))?.n, 1);
  await assert.rejects(session.commitTransaction());
  assert.deepEqual(await repo.others('own'), []);
});

test('a process renews its sessions in place; those of a day ago are forgotten', async () => {
  const repo = writerSessionRepo(opened.store);
  const sessionIds = [new Uint8Array(16).fill(1)];
  await repo.renew({ process: 'p', beat: 1, sessionIds });
  await repo.renew({ process: 'p', beat: 2, sessionIds });
  await opened.store
    .shared<{ _id: string; at: Date; sessions: never[]; beat: number }>('writer_session')
    .insertOne({ _id: 'old', at: new Date(Date.now() - 2 * 86_400_000), sessions: [], beat: 1 });
  await repo.removeOld();
  const others = await repo.others('own');
  assert.deepEqual(
    others.map(({ process, beat }) => [process, beat]),
    [['p', 2]],
  );
  assert.deepEqual([...(others[0]?.sessionIds[0] ?? [])], [...(sessionIds[0] ?? [])]);
});
