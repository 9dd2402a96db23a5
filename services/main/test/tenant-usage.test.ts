import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { parseConfig, type TenantRefusalsReport, type TenantUsagePage, tenantId } from '@im/contract';
import { systemContext, UTC } from '@im/kit';
import { silentLogger } from '@im/process';
import { make } from '@im/protocol';
import { objectUploadRepo, statDayRepo } from '@im/store';
import { eventually, startStores, type TestStores } from '@im/testing';
import { type ProcessDeps, type RunningServer, runServer } from '../src/index.ts';

const [SHARED, OWN, UNUSED] = [tenantId('shared'), tenantId('own'), tenantId('unused')];
const KEY = 'key-of-the-cluster';
const NOT_THROTTLED = { throttledToday: 0, throttledYesterday: 0 };

let stores: TestStores<'mongo' | 'redis' | 'nats'>;
let server: RunningServer;
let deps: ProcessDeps;
let start: () => Promise<{ server: RunningServer; deps: ProcessDeps }>;

before(async () => {
  stores = await startStores('mongo', 'redis', 'nats');
  const entries = [SHARED, OWN, UNUSED].map((id) => ({
    id,
    placement: id === OWN ? ('Dedicated' as const) : ('Shared' as const),
    tokenSecret: 's',
    adminSecret: 's',
    quotas: id === SHARED ? { users: 1 } : {},
  }));
  // So many that one page does not hold them.
  const many = Array.from({ length: 600 }, (_, i) => ({
    ...{ id: `x${i}`, tokenSecret: 's', adminSecret: 's' },
    quotas: i === 0 ? { users: 1 } : {},
  }));
  const config = parseConfig({
    log: { level: 'fatal' },
    listen: { host: '127.0.0.1' },
    ops: { port: 0 },
    mongo: { uri: stores.mongo.uri, database: 'usage' },
    nats: { servers: [stores.nats.uri] },
    redis: { uri: stores.redis.uri },
    rpc: { key: KEY, domains: { user: { port: 0 } } },
    tenants: [...entries, ...many],
  });
  start = async () => {
    let deps: ProcessDeps | undefined;
    const server = await runServer(config, {
      roles: ['user'],
      log: silentLogger(),
      overrides: {
        async module(_name, load) {
          const module = await load();
          return {
            ...module,
            create(settings, given) {
              deps = given;
              return module.create(settings, given);
            },
          };
        },
      },
    });
    assert.ok(deps);
    return { server, deps };
  };
  ({ server, deps } = await start());
});
after(async () => {
  await server?.stop();
  await stores?.stop();
});

async function post<T>(
  path: string,
  body: object,
  { key = KEY, at = server } = {},
): Promise<{ status: number; answer: T }> {
  const response = await fetch(`http://127.0.0.1:${at.opsPort}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as T };
}

test('one answer has the usage of many tenants, wherever they are placed', async () => {
  const today = UTC.dayOf(Date.now());
  const days = statDayRepo(deps.store);
  await eventually(() => days.set(SHARED, { day: today, single: 0 }));
  await days.set(SHARED, { day: today - 1, users: 4, single: 10, group: 5, notification: 100 });
  await days.set(SHARED, { day: today, users: 5, single: 1 });
  await days.set(OWN, { day: today - 1, users: 9, group: 2 });
  await objectUploadRepo(deps.store).reserve(OWN, 1_000, 0);
  const user = deps.rpc.client('user');
  for (const gatewayID of ['g1', 'g2']) {
    const counts = [make('user.TenantConnections', { tenant: SHARED, users: 2, platforms: { 1: 2, 5: 1 } })];
    await user.gatewayHeartbeat(
      systemContext(SHARED, 'op'),
      make('user.GatewayHeartbeatReq', { gatewayID, counts }),
    );
  }
  const found = new Map<string, object>();
  let pages = 0;
  for (let next: string | undefined = ''; next !== undefined; pages++) {
    const { status, answer }: { status: number; answer: TenantUsagePage } = await post(
      '/tenants/usage',
      next === '' ? {} : { after: next },
    );
    assert.equal(status, 200, JSON.stringify(answer));
    for (const { id, ...figures } of answer.tenants) {
      assert.ok(!found.has(id), `${id} is on one page`);
      found.set(id, figures);
    }
    next = answer.next;
  }
  assert.deepEqual([pages, found.size], [2, 603]);
  assert.deepEqual(found.get(SHARED), {
    ...{ users: 5, messagesToday: 1, messagesYesterday: 15, storageBytes: 0, connections: 6 },
    ...NOT_THROTTLED,
  });
  assert.deepEqual(found.get(OWN), {
    users: 9,
    messagesYesterday: 2,
    storageBytes: 1_000,
    connections: 0,
    ...NOT_THROTTLED,
  });
  assert.deepEqual(found.get(UNUSED), { storageBytes: 0, connections: 0, ...NOT_THROTTLED });
});

test('what limits refuse is counted by tenant; both questions need the key of the cluster', async () => {
  const users = ['a', 'b'].map((userID) => make('sdkws.UserInfo', { userID, nickname: userID }));
  const ctx = { ...systemContext(SHARED, 'op'), opUserID: 'imAdmin', opAdmin: true };
  const register = () => deps.rpc.client('user').userRegister(ctx, make('user.UserRegisterReq', { users }));
  await assert.rejects(register(), /quotas\.users/);
  await assert.rejects(register(), /quotas\.users/);
  const { answer } = await post<TenantRefusalsReport>('/tenants/refusals', {});
  assert.equal(answer.instance, server.instanceId);
  assert.deepEqual(answer.refused, { [SHARED]: { users: 2 } });
  for (const path of ['/tenants/refusals', '/tenants/usage'])
    assert.equal((await post(path, {}, { key: 'other' })).status, 401);
  assert.equal((await post('/tenants/usage', { after: 'Not an ID' })).status, 400);
});

test('refusals are kept by day: a report that comes again counts once, and that of a stopping process is among them', async () => {
  const user = deps.rpc.client('user');
  const report = (process: string, number: number, refused: Record<string, number>) =>
    user.countRefusals(
      systemContext(SHARED, 'op'),
      make('user.CountRefusalsReq', {
        ...{ process, number },
        refusals: Object.entries(refused).map(([tenant, count]) =>
          make('user.TenantRefusals', { tenant, count }),
        ),
      }),
    );
  const today = UTC.dayOf(Date.now());
  const throttled = async (tenant = UNUSED) =>
    (await statDayRepo(deps.store).days(tenant, { first: today - 1, last: today + 1 }, 9)).reduce(
      (sum, day) => sum + (day.throttled ?? 0),
      0,
    );
  await report('p1', 1, { [UNUSED]: 3, removed: 9, 'Not an ID': 9 });
  await report('p1', 1, { [UNUSED]: 3 });
  await report('p2', 1, { [UNUSED]: 4, [OWN]: 1 });
  await report('p1', 2, { [UNUSED]: 5 });
  // Whatever came in between.
  for (let i = 0; i < 40; i++) await report(`q${i}`, 1, { [UNUSED]: 1 });
  await report('p1', 2, { [UNUSED]: 5 });
  assert.deepEqual([await throttled(), await throttled(OWN)], [52, 1]);
  const [figures] = await statDayRepo(deps.store).days(UNUSED, { first: today - 1, last: today + 1 }, 9);
  assert.deepEqual(Object.keys(figures ?? {}).sort(), ['day', 'throttled'], 'no reports among the figures');
  for (const wrong of [report('', 1, {}), report('x'.repeat(201), 1, {}), report('p1', 0, {})])
    await assert.rejects(wrong, { code: 1001 });

  const full = tenantId('x0');
  const { server: other, deps: its } = await start();
  const users = ['a', 'b'].map((userID) => make('sdkws.UserInfo', { userID, nickname: userID }));
  const ctx = { ...systemContext(full, 'op'), opUserID: 'imAdmin', opAdmin: true };
  const register = () => its.rpc.client('user').userRegister(ctx, make('user.UserRegisterReq', { users }));
  await eventually(() => assert.rejects(register(), /quotas\.users/));
  assert.equal(await throttled(full), 0);
  await other.stop();
  assert.ok((await throttled(full)) >= 1);
  const { answer } = await post<TenantUsagePage>('/tenants/usage', { after: 'sh' });
  assert.equal(answer.tenants.find(({ id }) => id === UNUSED)?.throttledToday, 52);
});
