import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accountDeletionRepo,
  auditRepo,
  type Broadcast,
  backendTokenRepo,
  banRepo,
  broadcastRepo,
  clientConfigRepo,
  deadLetterRepo,
  pushPreferenceRepo,
  pushTokenRepo,
  thumbnailRepo,
  tokenRepo,
  userCommandRepo,
  userRepo,
  verificationCodeRepo,
  webhookDeliveryRepo,
} from '../src/index.ts';
import { DEDICATED, SHARED } from './harness.ts';
import { queryPlans } from './query-plans.ts';

const [tenant] = SHARED;
const page = { skip: 0, limit: 5 };
const never = new AbortController().signal;
const plans = queryPlans();

test('every query on users reads by an index', async () => {
  const users = userRepo(plans.store);
  const user = (userID: string, appMangerLevel: number) => ({
    ...{ userID, nickname: userID, faceURL: '', ex: '', createTime: 1, appMangerLevel, globalRecvMsgOpt: 0 },
  });
  await users.insert(tenant, [user('a', 0), user('b', 1), user('app', 3)]);
  await plans.checkAll({
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
    newest: () => users.newest(tenant, {}, 1),
    'newest by id or name, next page': () =>
      users.newest(tenant, { userID: 'a', nickname: 'b' }, 5, { createTime: 1, userID: 'b' }),
    'system accounts': () =>
      users.systemAccounts(tenant, { keyword: '', level: undefined, except: ['x'] }, page),
    'system accounts of a level': () =>
      users.systemAccounts(tenant, { keyword: '', level: 3, except: [] }, page),
    'system accounts by name': () =>
      users.systemAccounts(tenant, { keyword: 'app', level: undefined, except: ['app'] }, page),
  };
  await plans.checkAll(lists, 'grows');
});

test('every query on user commands and client settings reads by an index', async () => {
  const commands = userCommandRepo(plans.store);
  const configs = clientConfigRepo(plans.store);
  const key = { userID: 'a', type: 1, uuid: 'x' };
  await configs.set(tenant, '', { theme: 'dark' });
  await plans.check('set');
  await plans.checkAll({
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
  const tokens = tokenRepo(plans.store);
  const live = [{ hash: 'h', issue: 1, expires: 1 }];
  await plans.checkAll({
    nextIssue: () => tokens.nextIssue(tenant, 'a'),
    'first change': () => tokens.change(tenant, 'a', 1, () => ({ live, kicked: [] })),
    change: () => tokens.change(tenant, 'a', 1, () => ({ live: [], kicked: live })),
    get: () => tokens.get(tenant, 'a', 1),
    getAll: () => tokens.getAll(tenant, 'a'),
    removeExpired: () => tokens.removeExpired(tenant, 10),
  });
  assert.equal((await tokens.get(tenant, 'a', 1)).rev, 0);
});

test('every query on registered devices and preferences of notifications reads by an index', async () => {
  const devices = pushTokenRepo(plans.store);
  const preferences = pushPreferenceRepo(plans.store);
  const device = { userID: 'a', platformID: 1, token: 't' };
  const quiet = { start: 1, end: 2, timeZone: 'UTC' };
  await plans.checkAll({
    put: () => devices.put(tenant, device, { expires: 0, now: 1 }),
    'put again': () => devices.put(tenant, device, { expires: 10, now: 2, several: true }),
    'put of another user': () => devices.put(tenant, { ...device, userID: 'b' }, { expires: 10, now: 3 }),
    ofUsers: () => devices.ofUsers(tenant, ['a', 'b'], 1),
    'of one user': () => devices.ofUsers(tenant, ['a'], 1),
    removeToken: () => devices.removeToken(tenant, 'a', 't'),
    removeGone: () => devices.removeGone(tenant, device, 5),
    remove: () => devices.remove(tenant, 'b', 1),
    removeStale: () => devices.removeStale(tenant, { now: 20, registeredBefore: 15 }, never),
    setBadge: () => preferences.setBadge(tenant, 'a', 3),
    raiseBadges: () => preferences.raiseBadges(tenant, ['a', 'b']),
    setQuietHours: () => preferences.setQuietHours(tenant, 'a', quiet),
    'no quiet hours': () => preferences.setQuietHours(tenant, 'b', undefined),
    'badges of users': () => preferences.badgesOf(tenant, ['a', 'b']),
    'quiet hours of users': () => preferences.quietHoursOf(tenant, ['a', 'b']),
  });
  const badges = await preferences.badgesOf(tenant, ['a', 'b', 'c']);
  assert.deepEqual(
    [...badges],
    [
      ['a', 4],
      ['b', 1],
    ],
  );
  assert.deepEqual([...(await preferences.quietHoursOf(tenant, ['a', 'b', 'c']))], [['a', quiet]]);
  await preferences.setQuietHours(tenant, 'a', undefined);
  assert.equal((await preferences.quietHoursOf(tenant, ['a'])).size, 0, 'a change ends the copy');
});

test('every query on verification codes reads by an index', async () => {
  const codes = verificationCodeRepo(plans.store);
  const code = { id: 'i', hash: 'h', expires: 10 };
  const count = { key: ['all', 'day'], most: 1, expires: 10 };
  await plans.checkAll({
    put: () => codes.put(tenant, ['login', 'a'], code),
    'put again': () => codes.put(tenant, ['login', 'a'], code),
    attempt: () => codes.attempt(tenant, ['login', 'a'], 5, 1),
    count: () => codes.count(tenant, count),
    'count at the limit': () => codes.count(tenant, count),
    uncount: () => codes.uncount(tenant, ['all', 'day']),
    hold: () => codes.hold(tenant, ['gap', 'a'], 1, 5),
    'hold again': () => codes.hold(tenant, ['gap', 'a'], 2, 9),
    release: () => codes.release(tenant, ['gap', 'a'], 5),
    remove: () => codes.remove(tenant, ['login', 'a'], 'i'),
    removeExpired: () => codes.removeExpired(tenant, 20),
  });
});

test('counts and holds are exact, however many ask at once, and expire', async () => {
  const codes = verificationCodeRepo(plans.store);
  const many = <T>(ask: () => Promise<T>) => Promise.all(Array.from({ length: 20 }, ask));
  for (const id of [tenant, DEDICATED[0]]) {
    const counted = await many(() => codes.count(id, { key: ['ip', 'x'], most: 7, expires: 10 }));
    assert.equal(counted.filter(Boolean).length, 7);
    await codes.uncount(id, ['ip', 'x']);
    assert.equal(await codes.count(id, { key: ['ip', 'x'], most: 7, expires: 10 }), true);
    assert.equal(await codes.count(id, { key: ['ip', 'x'], most: 7, expires: 10 }), false);
    const held = await many(() => codes.hold(id, ['gap', 'x'], 100, 160));
    assert.deepEqual(
      held.toSorted((a, b) => a - b),
      [0, ...Array.from({ length: 19 }, () => 60)],
    );
    assert.equal(await codes.hold(id, ['gap', 'x'], 160, 220), 0);
    await codes.release(id, ['gap', 'x'], 160);
    assert.equal(await codes.hold(id, ['gap', 'x'], 170, 230), 50, 'another hold is not freed');
    assert.equal(await codes.removeExpired(id, 10_000), 2);
  }
});

test('issue numbers rise without a repetition, however many ask at once', async () => {
  const tokens = tokenRepo(plans.store);
  const numbers = await Promise.all(Array.from({ length: 40 }, () => tokens.nextIssue(tenant, 'many')));
  assert.equal(new Set(numbers).size, 40);
  assert.ok((await tokens.nextIssue(tenant, 'many')) > Math.max(...numbers));
});

test('changes of one set are one after the other', async () => {
  const tokens = tokenRepo(plans.store);
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

test('every query on webhook deliveries reads by an index', async () => {
  const repo = webhookDeliveryRepo(plans.store);
  const last = { outcome: 'status 500', status: 500, answer: 'no', at: 2, attempts: 1 };
  const delivery = (id: string, state: 'waiting' | 'dead') => ({
    ...{ id, event: 'afterAddFriend', createdMs: 1, state, dueMs: 5, last, payload: Buffer.from('x') },
  });
  const one = { ...delivery('a', 'waiting'), sinceMs: 1 };
  await repo.add(tenant, [delivery('a', 'waiting'), delivery('b', 'dead'), delivery('c', 'dead')]);
  await plans.check('add');
  await plans.checkAll({
    due: () => repo.due(tenant, 10, 5),
    nextDue: () => repo.nextDue(tenant),
    claim: () => repo.claim(tenant, one, 20),
    update: () => repo.update(tenant, 'a', { state: 'waiting', dueMs: 30, last }),
    get: () => repo.get(tenant, 'a'),
    replayOne: () => repo.replayOne(tenant, 'a', 40),
    remove: () => repo.remove(tenant, 'a'),
    list: () => repo.list(tenant, { state: 'dead' }, 1),
    'list of an event and a time': () =>
      repo.list(tenant, { state: 'dead', event: 'afterAddFriend', from: 1, to: 2 }, 1, '2'),
    removeOldest: () => repo.removeOldest(tenant, 'waiting'),
  });
  const all = {
    usage: () => repo.usage(tenant),
    replay: () => repo.replay(tenant, { state: 'dead', event: 'afterAddFriend', from: 1 }, 50),
    removeDeadBefore: () => repo.removeDeadBefore(tenant, 60),
  };
  await plans.checkAll(all, 'grows');
});

test('every query on dead letters reads by an index', async () => {
  const letters = deadLetterRepo(plans.store);
  const letter = { tenant, reason: 'r', record: Buffer.from('x') };
  const add = (position: number, entry: number) => letters.add({ ...letter, position, entry });
  for (const [position, entry] of [
    [7, 0],
    [9, 0],
    [9, 1],
    [11, -1],
  ] as const)
    await add(position, entry);
  await letters.add({ ...letter, tenant: 'other', position: 10, entry: 0 });
  await plans.check('add');
  await plans.checkAll({
    countOf: () => letters.countOf(tenant, 5),
    list: () => letters.list(tenant, 5),
    'list of those before': () => letters.list(tenant, 5, { position: 9, entry: 1 }),
    get: () => letters.get(tenant, '7:0'),
    beginRetry: () => letters.beginRetry(tenant, '7:0', new Date(0)),
    remove: () => letters.remove(tenant, '11:-1'),
  });
  // Pages go on within a record, too.
  const ids = async (limit: number, before?: { position: number; entry: number }) =>
    (await letters.list(tenant, limit, before)).map(({ id }) => id);
  assert.deepEqual(await ids(9), ['9:1', '9:0', '7:0']);
  assert.deepEqual(await ids(1, { position: 9, entry: 1 }), ['9:0']);
  assert.deepEqual(await ids(9, { position: 9, entry: 1 }), ['9:0', '7:0']);
  assert.deepEqual(await ids(9, { position: 7, entry: 0 }), []);
});

test('every query on the audit log reads by an index', async () => {
  const audit = auditRepo(plans.store);
  const record = {
    ...{ id: 'r1', time: 5, admin: 'imAdmin', act: 'user.ban', targetKind: 'user', targetID: 'a' },
    ...({
      reason: '',
      details: '{}',
      address: '',
      operationID: 'op',
      outcome: 'started',
      errCode: 0,
    } as const),
  };
  await audit.add(tenant, record);
  await plans.checkAll({
    setOutcome: () => audit.setOutcome(tenant, 'r1', { outcome: 'done', errCode: 0 }),
    list: () => audit.list(tenant, {}, 5),
    'list of an administrator': () =>
      audit.list(tenant, { admin: 'imAdmin', from: 1, to: 9 }, 5, '0000000000008'),
    'list of an act': () => audit.list(tenant, { act: 'user.ban' }, 5),
    'list of all filters': () =>
      audit.list(
        tenant,
        { admin: 'imAdmin', act: 'user.ban', target: { kind: 'user', id: 'a' }, outcome: 'done', from: 1 },
        5,
      ),
    'list of a target': () => audit.list(tenant, { target: { kind: 'user', id: 'a' } }, 5),
    removeBefore: () => audit.removeBefore(tenant, 9),
  });
  assert.deepEqual(await audit.list(tenant, {}, 5), { records: [] });
});

test('every query on tokens of backends reads by an index', async () => {
  const tokens = backendTokenRepo(plans.store);
  const token = { role: 'read', hash: 'h', description: '', admin: 'imAdmin', time: 1, expires: 5 };
  await tokens.add(tenant, { ...token, id: 'a' });
  await plans.checkAll({
    add: () => tokens.add(tenant, { ...token, id: 'b' }),
    get: () => tokens.get(tenant, 'a'),
    count: () => tokens.count(tenant, 1, 5),
    list: () => tokens.list(tenant, 5),
    'list, next page': () => tokens.list(tenant, 5, '0000000000009'),
    revoke: () => tokens.revoke(tenant, 'a', 3),
  });
  await plans.checkAll({ removeExpired: () => tokens.removeExpired(tenant, 8 * 86_400_000) }, 'grows');
  assert.deepEqual(await tokens.list(tenant, 5), { tokens: [] });
});

test('every query on thumbnails reads by an index', async () => {
  const thumbnails = thumbnailRepo(plans.store);
  const shape = { width: 8, height: 8, format: 'png' };
  await plans.checkAll({
    describe: () => thumbnails.describe(tenant, 'a', shape),
    refuse: () => thumbnails.refuse(tenant, 'b', 'broken', 1),
    add: () => thumbnails.add(tenant, 'a', { ...shape, key: 'k', size: 1 }, 2),
    get: () => thumbnails.get(tenant, 'a'),
    forget: () => thumbnails.forget(tenant, 'a'),
  });
  const sizes = async () => {
    for await (const size of thumbnails.sizes(tenant)) assert.equal(size, 1);
  };
  await plans.checkAll({ sizes }, 'grows');
});

test('every query on bans and deletions of accounts reads by an index', async () => {
  const bans = banRepo(plans.store);
  const ban = { until: 5, reason: '', time: 1, admin: 'imAdmin' };
  await plans.checkAll({
    'first ban': () => bans.set(tenant, 'banned', ban),
    set: () => bans.set(tenant, 'banned', ban),
    getMany: () => bans.getMany(tenant, ['banned', 'other']),
    list: () => bans.list(tenant, 5),
    'list, next page': () => bans.list(tenant, 5, '0000000000009'),
    clear: () => bans.clear(tenant, 'banned'),
  });
  await bans.set(tenant, 'banned', ban);
  await plans.check('set');
  await plans.checkAll({ removeEnded: () => bans.removeEnded(tenant, 9) }, 'grows');

  const deletions = accountDeletionRepo(plans.store);
  const deletion = {
    ...({
      userID: 'a',
      mode: 'delete',
      erase: false,
      nickname: 'x',
      admin: 'imAdmin',
      requested: 1,
    } as const),
    ...({
      state: 'running',
      step: 'logins',
      cursor: '',
      removed: {},
      finished: 0,
      attempts: 0,
      error: '',
    } as const),
  };
  await deletions.begin(tenant, deletion);
  await plans.checkAll({
    begin: () => deletions.begin(tenant, deletion),
    get: () => deletions.get(tenant, 'a'),
    deleted: () => deletions.deleted(tenant, ['a', 'b']),
    list: () => deletions.list(tenant, 5, '0000000000009'),
    pending: () => deletions.pending([tenant]),
    settle: () => deletions.settle({ tenant, mark: 'x' }),
    claim: () => deletions.claim(tenant, 9, 20),
    save: () => deletions.save(tenant, 'a', 20, { state: 'done' }, 30),
    again: () => deletions.again(tenant, deletion),
  });

  const broadcasts = broadcastRepo(plans.store);
  const broadcast: Broadcast = {
    ...{ broadcastID: 'a', senderID: 'desk', text: 'x', userIDs: [], admin: 'imAdmin', requested: 1 },
    ...{ total: 1, sent: 0, skipped: 0, failed: 0, failedUserIDs: [], cursor: '' },
    ...{ finished: 0, attempts: 0, error: '' },
    state: 'running',
  };
  const claim = { broadcast, until: 20 };
  await broadcasts.begin(tenant, broadcast);
  await plans.checkAll({
    begin: () => broadcasts.begin(tenant, broadcast),
    get: () => broadcasts.get(tenant, 'a'),
    list: () => broadcasts.list(tenant, 5, '0000000000009'),
    running: () => broadcasts.running(tenant, 5),
    pending: () => broadcasts.pending([tenant]),
    settle: () => broadcasts.settle({ tenant, mark: 'x' }),
    claim: () => broadcasts.claim(tenant, 9, 20),
    save: () => broadcasts.save(tenant, claim, { sent: 1, page: null }, 30),
    finish: () => broadcasts.finish(tenant, claim, 9),
    cancel: () => broadcasts.cancel(tenant, 'a', 9),
  });
});
