import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TenantId } from '@im/contract';
import { type CronRunRepo, cronRunRepo, indexReports, pushTokenRepo, type RunClaim } from '../src/index.ts';
import { PUSH_TOKENS } from '../src/repos/push-token.ts';
import { DEDICATED, openStore, SHARED, startServers, type TestStore, untilReady } from './harness.ts';

const [tenant, other] = SHARED;
const [dedicated] = DEDICATED;
const never = new AbortController().signal;

let servers: Awaited<ReturnType<typeof startServers>>;
let open: TestStore;
let runs: CronRunRepo;
before(async () => {
  servers = await startServers();
  open = await openStore(servers.uris);
  await untilReady(open.store);
  runs = cronRunRepo(open.store);
});
after(async () => {
  await open[Symbol.asyncDispose]();
  await servers.stop();
});

const wish = (job: string, owner: string, due?: number, id: TenantId = tenant) => ({
  ...{ job, tenant: id, owner, due, now: 1_000 },
});

function claimed(result: Awaited<ReturnType<CronRunRepo['claim']>>): RunClaim {
  assert.ok(typeof result === 'object', `${result}`);
  return result;
}

const ok = { ms: 5, outcome: 'ok', done: 2, error: '', report: '' } as const;

test('a due time is claimed once for each tenant, however many processes want it', async () => {
  for (const due of [1, 2]) {
    const owners = Array.from({ length: 20 }, (_, i) => `p${i}`);
    const results = await Promise.all(owners.map((owner) => runs.claim(wish('once', owner, due))));
    const claims = results.filter((result) => typeof result === 'object');
    assert.equal(claims.length, 1);
    const elsewhere = claimed(await runs.claim(wish('once', 'p1', due, dedicated)));
    assert.equal(elsewhere.number, due);
    for (const claim of [...claims, elsewhere]) assert.ok(await runs.finish(claimed(claim as RunClaim), ok));
    assert.equal(await runs.claim(wish('once', 'p1', due)), 'handled');
    assert.deepEqual(await runs.handled('once', due), new Set([tenant, dedicated]));
  }
  assert.deepEqual(await runs.handled('onc', 2), new Set());
});

test('runs of a job for a tenant never overlap, and one that is dead is replaced', async () => {
  const first = claimed(await runs.claim(wish('job', 'p1', 7)));
  assert.equal(await runs.claim(wish('job', 'p2')), 'running');
  assert.equal(await runs.claim(wish('job', 'p2', 7)), 'running', 'it may still die');
  const [seen] = (await runs.unfinished(10)).filter(({ job }) => job === 'job');
  assert.ok(seen);
  const dead = { owner: seen.owner, beat: seen.beat };
  assert.ok(await runs.beat(first, 3));
  assert.equal(await runs.claim({ ...wish('job', 'p2'), dead }), 'running', 'it has beaten since');
  const second = claimed(await runs.claim({ ...wish('job', 'p2'), dead: { ...dead, beat: dead.beat + 1 } }));
  assert.equal(second.number, first.number + 1);
  assert.equal(await runs.beat(first, 4), false);
  assert.equal(await runs.finish(first, ok), false, 'the outcome of the dead one does not count');
  assert.ok(await runs.finish(second, ok));
  assert.deepEqual(
    (await runs.unfinished(10)).filter(({ job }) => job === 'job'),
    [],
  );
});

test('a tenant sees the jobs with its own runs and requests alone', async () => {
  const now = new Date();
  const announced = { name: 'shown', schedule: '1 2 * * *', description: 'works' };
  await runs.announce([{ ...announced, name: 'former' }], new Date(now.getTime() - 8 * 86_400_000));
  await runs.announce([announced], now);
  const stateOf = async (id: TenantId) => {
    const jobs = await runs.jobs(id);
    assert.ok(!jobs.some(({ name }) => name === 'former'));
    const found = jobs.find(({ name }) => name === 'shown');
    assert.ok(found);
    return found;
  };
  await runs.request({ job: 'shown', tenant }, now);
  await runs.request({ job: 'shown', tenant }, now);
  assert.equal((await stateOf(tenant)).requested, true);
  assert.equal((await stateOf(other)).requested, false);
  assert.deepEqual(await runs.requests(10), [{ job: 'shown', tenant }]);
  await runs.removeRequest({ job: 'shown', tenant });
  const claim = claimed(await runs.claim(wish('shown', 'p1')));
  await runs.beat(claim, 4);
  const running = await stateOf(tenant);
  assert.deepEqual([running.running?.done, running.requested, running.number], [4, false, 1]);
  await runs.finish(claim, { ...ok, outcome: 'error', error: 'away' });
  const failed = await stateOf(tenant);
  assert.deepEqual([failed.running, failed.last?.error, failed.failures], [undefined, 'away', 1]);
  await runs.finish(claimed(await runs.claim(wish('shown', 'p1'))), { ...ok, outcome: 'cut' });
  await runs.finish(claimed(await runs.claim(wish('shown', 'p1'))), { ...ok, report: '{}' });
  const after = await stateOf(tenant);
  assert.deepEqual([after.failures, after.lastOk, after.last?.number], [0, 1_005, 3]);
  assert.equal((await stateOf(other)).number, 0);
});

test('push tokens that have expired or were not registered again go, of one tenant alone', async () => {
  const tokens = pushTokenRepo(open.store);
  const put = (id: TenantId, userID: string, registered: number, expires = 0) =>
    tokens.put(id, { userID, platformID: 2, token: `t-${userID}` }, { expires, now: registered });
  for (const id of [tenant, dedicated]) {
    await put(id, 'old', 100);
    await put(id, 'expired', 900, 950);
    await put(id, 'expires', 900, 5_000);
    await put(id, 'new', 900);
    await put(id, 'unknown', 100);
    const { col, key } = open.store.collection(id, PUSH_TOKENS);
    await col.updateOne({ _id: key('unknown', '2') }, { $unset: { registered: 1 } });
  }
  const users = ['old', 'expired', 'expires', 'new', 'unknown'];
  const left = async (id: TenantId) =>
    (await tokens.ofUsers(id, users, 0)).map(({ userID }) => userID).sort();
  assert.equal(await tokens.removeStale(dedicated, { now: 1_000, registeredBefore: 0 }, never), 1);
  assert.deepEqual(await left(dedicated), ['expires', 'new', 'old', 'unknown']);
  assert.equal(await tokens.removeStale(dedicated, { now: 1_000, registeredBefore: 500 }, never), 1);
  assert.deepEqual(await left(dedicated), ['expires', 'new', 'unknown']);
  assert.deepEqual(await left(tenant), [...users].sort());
  // A time is counted from the first look on.
  assert.equal(await tokens.removeStale(dedicated, { now: 3_000, registeredBefore: 1_001 }, never), 3);
});

test('a token that is registered again while stale ones are removed stays', async () => {
  const tokens = pushTokenRepo(open.store);
  const device = { userID: 'racer', platformID: 2, token: 't-racer' };
  for (let round = 0; round < 20; round++) {
    await tokens.put(other, device, { expires: 0, now: 100 });
    const times = { now: 1_000, registeredBefore: 500 };
    await Promise.all([
      tokens.removeStale(other, times, never),
      tokens.put(other, device, { expires: 0, now: 1_000 }),
    ]);
    assert.equal((await tokens.ofUsers(other, ['racer'], 0)).length, 1);
  }
});

test('indexes that are missing, not declared or different are reported, and left as they are', async () => {
  const reports = indexReports(open.store);
  for (const id of [tenant, dedicated]) {
    assert.deepEqual(await reports.drift(id, never), []);
    const { col } = open.store.collection(id, PUSH_TOKENS);
    await col.dropIndex('t_1_hash_1');
    await col.createIndex({ platformID: 1 });
    await col.dropIndex('t_1_userID_1');
    await col.createIndex({ t: 1, userID: 1 }, { unique: true, name: 'own' });
    const before = await col.listIndexes().toArray();
    const drift = await reports.drift(id, never);
    const at = { collection: 'push_token' };
    assert.deepEqual(
      drift.map(({ kind, index, detail, collection }) => ({ collection, kind, index, detail })),
      [
        { ...at, kind: 'different', index: 't_1_userID_1', detail: 'unique is true, declared false' },
        { ...at, kind: 'missing', index: 't_1_hash_1', detail: '' },
        { ...at, kind: 'extra', index: 'platformID_1', detail: '' },
      ],
    );
    assert.deepEqual(await col.listIndexes().toArray(), before);
  }
});
