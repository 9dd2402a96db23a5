import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '@im/kit';
import { createMetrics } from '@im/process';
import { ImError } from '@im/protocol';
import { groupRepo, userRepo } from '../src/index.ts';
import { USERS } from '../src/repos/user.ts';
import { openStore, SHARED, startServers, untilReady } from './harness.ts';

const [busy, quiet] = SHARED;
const PAGE = { skip: 0, limit: 10 };
let servers: Awaited<ReturnType<typeof startServers>>;

before(async () => {
  servers = await startServers();
});
after(() => servers?.stop());

const gauge = async (metrics: ReturnType<typeof createMetrics>, name: string) =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(await metrics.text())?.[1]);
const newUser = (userID: string) => ({
  userID,
  nickname: `name of ${userID}`,
  faceURL: '',
  ex: '',
  createTime: 1,
  appMangerLevel: 1,
  globalRecvMsgOpt: 0,
});

test('fifty searches of a tenant at once leave the connections to others, and those too many are refused', {
  timeout: 180_000,
}, async (t) => {
  const { pid } = servers.mongo;
  if (pid === undefined) return t.skip('the database is external');
  const metrics = createMetrics();
  await using opened = await openStore(servers.uris, { metrics });
  const { store } = opened;
  await untilReady(store);
  const users = userRepo(store);
  const groups = groupRepo(store);
  for (let i = 0; i < 3_000; i += 500) {
    await users.insert(
      busy,
      Array.from({ length: 500 }, (_, n) => newUser(`user${i + n}`)),
    );
  }
  await users.page(busy, {}, PAGE);
  // While the database stands still, all that may run at once does, and the others wait.
  process.kill(pid, 'SIGSTOP');
  const searches: Promise<unknown>[] = [];
  try {
    for (let i = 0; i < 25; i++) {
      searches.push(users.page(busy, { nickname: `nobody${i}` }, PAGE));
      searches.push(groups.search(busy, `nothing${i}`, PAGE));
    }
    for (const search of searches) search.catch(() => undefined);
    await sleep(50);
    // One may make the indexes of the other databases.
    assert.ok((await gauge(metrics, 'openim_store_mongo_connections_in_use')) <= 1);
    assert.equal(await gauge(metrics, 'openim_store_searches_running'), 2);
    assert.equal(await gauge(metrics, 'openim_store_searches_waiting'), 20);
    assert.equal(await gauge(metrics, 'openim_store_searches_refused_total'), 28);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  const outcomes = await Promise.allSettled(searches);
  const refused = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
  assert.equal(refused.length, 28);
  for (const { reason } of refused) {
    assert.ok(reason instanceof ImError && reason.code === 429, String(reason));
    assert.match(reason.detail, /20 searches of the tenant wait/);
  }
  // Real searches, all at once, alongside the reads of the other tenant.
  const real = Array.from({ length: 20 }, (_, i) => users.page(busy, { nickname: `USER${i}` }, PAGE));
  await Promise.all(Array.from({ length: 50 }, (_, i) => users.get(quiet, `other${i}`)));
  for (const [i, { total }] of (await Promise.all(real)).entries()) assert.ok(total > 0, `search ${i}`);
  assert.equal(await gauge(metrics, 'openim_store_searches_running'), 0);
  assert.equal(await gauge(metrics, 'openim_store_searches_waiting'), 0);
});

test('tenants take turns: one with many searches does not keep another from its first', {
  timeout: 120_000,
}, async () => {
  await using opened = await openStore(servers.uris);
  const { store } = opened;
  await untilReady(store);
  const started: string[] = [];
  const gates: PromiseWithResolvers<void>[] = [];
  const search = (tenant: typeof busy) =>
    store.search(tenant, USERS, async () => {
      started.push(tenant);
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      await gate.promise;
    });
  const searches = Array.from({ length: 20 }, () => search(busy));
  searches.push(search(quiet), search(quiet));
  await eventually(() => started.length === 4);
  assert.deepEqual(
    started.toSorted(),
    [busy, busy, quiet, quiet].toSorted(),
    'two of each, though ten times as many wait',
  );
  searches.push(search(quiet));
  const ofBusy = started.indexOf(busy);
  gates[ofBusy]?.resolve();
  await eventually(() => started.length === 5);
  assert.equal(started[4], busy, 'its next, since the other has two');
  for (let ended = 0; ended < searches.length; ended++) {
    await eventually(() => gates.length > ended);
    gates[ended]?.resolve();
  }
  await Promise.all(searches);
});

async function eventually(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; !holds(); await sleep(5))
    if (Date.now() > end) throw new Error('never');
}
