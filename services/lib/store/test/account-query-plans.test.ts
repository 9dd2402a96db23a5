import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { clientConfigRepo, pushTokenRepo, tokenRepo, userCommandRepo, userRepo } from '../src/index.ts';
import { openStore, SHARED, startServers, type TestStore, untilReady } from './harness.ts';
import { queryPlans } from './query-plans.ts';

const [tenant] = SHARED;
const page = { skip: 0, limit: 5 };
const plans = queryPlans();
let servers: Awaited<ReturnType<typeof startServers>>;
let opened: TestStore;

before(async () => {
  servers = await startServers();
  opened = await openStore(servers.uris, { onCommand: plans.onCommand });
  await untilReady(opened.store);
  await plans.check(servers.uris.mongo, 'start');
});
after(async () => {
  await opened?.[Symbol.asyncDispose]();
  await servers?.stop();
});

async function checkAll(methods: Record<string, () => Promise<unknown>>, cost?: 'grows'): Promise<void> {
  for (const [name, run] of Object.entries(methods)) {
    await run();
    assert.ok((await plans.check(servers.uris.mongo, name, cost)) > 0, `${name} sent no query`);
  }
}

test('every query on users reads by an index', async () => {
  const users = userRepo(opened.store);
  const user = (userID: string, appMangerLevel: number) => ({
    ...{ userID, nickname: userID, faceURL: '', ex: '', createTime: 1, appMangerLevel, globalRecvMsgOpt: 0 },
  });
  await users.insert(tenant, [user('a', 0), user('b', 1), user('app', 3)]);
  await checkAll({
    get: () => users.get(tenant, 'a'),
    getMany: () => users.getMany(tenant, ['b', 'c']),
    missing: () => users.missing(tenant, ['a', 'c']),
    insert: () => users.insert(tenant, [user('d', 0)]),
    update: () => users.update(tenant, 'a', { nickname: 'A' }),
    pageIDs: () => users.pageIDs(tenant, page),
    count: () => users.count(tenant),
    registered: () => users.registered(tenant, 1, 2),
  });
  const lists = {
    page: () => users.page(tenant, {}, page),
    'page of levels': () => users.page(tenant, { levels: [0, 1] }, page),
    'page by id or name': () => users.page(tenant, { levels: [0, 1], userID: 'a', nickname: 'b' }, page),
    'system accounts': () =>
      users.systemAccounts(tenant, { keyword: '', level: undefined, except: ['x'] }, page),
    'system accounts of a level': () =>
      users.systemAccounts(tenant, { keyword: '', level: 3, except: [] }, page),
    'system accounts by name': () =>
      users.systemAccounts(tenant, { keyword: 'app', level: undefined, except: ['app'] }, page),
  };
  await checkAll(lists, 'grows');
});

test('every query on user commands and client settings reads by an index', async () => {
  const commands = userCommandRepo(opened.store);
  const configs = clientConfigRepo(opened.store);
  const key = { userID: 'a', type: 1, uuid: 'x' };
  await configs.set(tenant, '', { theme: 'dark' });
  await plans.check(servers.uris.mongo, 'set');
  await checkAll({
    add: () => commands.add(tenant, key, { value: 'v', ex: '' }, 5),
    update: () => commands.update(tenant, key, { value: 'w' }),
    'update nothing': () => commands.update(tenant, key, {}),
    list: () => commands.list(tenant, 'a'),
    'list of a type': () => commands.list(tenant, 'a', 1),
    remove: () => commands.remove(tenant, key),
    get: () => configs.get(tenant, ''),
    page: () => configs.page(tenant, { userID: '', key: '' }, page),
    'page by key': () => configs.page(tenant, { userID: '', key: 'theme' }, page),
    'page by user and key': () => configs.page(tenant, { userID: 'a', key: 'theme' }, page),
    'remove settings': () => configs.remove(tenant, '', ['theme']),
  });
});

test('every query on tokens reads by an index', async () => {
  const tokens = tokenRepo(opened.store);
  const live = [{ hash: 'h', issue: 1, expires: 1 }];
  await checkAll({
    nextIssue: () => tokens.nextIssue(tenant, 'a'),
    'first change': () => tokens.change(tenant, 'a', 1, () => ({ live, kicked: [] })),
    change: () => tokens.change(tenant, 'a', 1, () => ({ live: [], kicked: live })),
    get: () => tokens.get(tenant, 'a', 1),
    getAll: () => tokens.getAll(tenant, 'a'),
    removeExpired: () => tokens.removeExpired(tenant, 10),
  });
  assert.equal((await tokens.get(tenant, 'a', 1)).rev, 0);
});

test('every query on registered devices and badges reads by an index', async () => {
  const devices = pushTokenRepo(opened.store);
  const device = { userID: 'a', platformID: 1, token: 't' };
  await checkAll({
    put: () => devices.put(tenant, device, 0),
    'put again': () => devices.put(tenant, device, 10),
    ofUsers: () => devices.ofUsers(tenant, ['a', 'b'], 1),
    remove: () => devices.remove(tenant, 'a', 1),
    setBadge: () => devices.setBadge(tenant, 'a', 3),
  });
});

test('issue numbers rise without a repetition, however many ask at once', async () => {
  const tokens = tokenRepo(opened.store);
  const numbers = await Promise.all(Array.from({ length: 40 }, () => tokens.nextIssue(tenant, 'many')));
  assert.equal(new Set(numbers).size, 40);
  assert.ok((await tokens.nextIssue(tenant, 'many')) > Math.max(...numbers));
});

test('changes of one set are one after the other', async () => {
  const tokens = tokenRepo(opened.store);
  const add = (issue: number) =>
    tokens.change(tenant, 'busy', 1, ({ live, kicked }) => ({
      live: [...live, { hash: `h${issue}`, issue, expires: 9e15 }],
      kicked,
    }));
  await Promise.all(Array.from({ length: 10 }, (_, i) => add(i)));
  const { live, rev } = await tokens.get(tenant, 'busy', 1);
  assert.equal(live.length, 10);
  assert.equal(rev, 10);
});
