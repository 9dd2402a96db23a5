import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { TenantId } from '@im/contract';
import { sleep, tokenHash } from '@im/kit';
import { ERR, make, type user } from '@im/protocol';
import { codeOf, eventually, newCluster, startStores } from '@im/testing';
import { by, describeUsers, LIMIT_MS, startUser, T1, T2, type UserProcess } from './harness.ts';

const [a, b] = describeUsers();
const SYSTEM = by('imAdmin');

beforeEach(async () => {
  await a.store.redis.client.flushall();
  // The list of live gateways is remembered for a second.
  await sleep(1_050);
});

async function beat(process: UserProcess, gatewayID: string): Promise<boolean> {
  const request = make('user.GatewayHeartbeatReq', { gatewayID });
  return (await process.user.gatewayHeartbeat(SYSTEM, request)).reportAll;
}

/** As a gateway of the version before reports it: a token itself. */
const rawToken = (platformID: number) => `header.${platformID}.signature`;
/** What a gateway reports of a token, and what is kept. */
const hashOf = (platformID: number) => tokenHash(rawToken(platformID));

interface Item {
  user: string;
  platforms: number[];
  tenant?: TenantId;
}

async function report(
  process: UserProcess,
  gatewayID: string,
  items: Item[],
  full = false,
  part?: { id: string; last: boolean },
  tokens: (platformID: number) => string = hashOf,
) {
  const list = items.map(({ user, platforms, tenant = T1 }) =>
    make('user.PresenceItem', {
      tenant,
      userID: user,
      platformIDs: platforms,
      connections: platforms.map((platformID, i) =>
        make('user.PlatformOnlineDetail', {
          platformID,
          connID: `${gatewayID}-${i}`,
          token: tokens(platformID),
        }),
      ),
    }),
  );
  await process.user.reportPresence(
    SYSTEM,
    make('user.ReportPresenceReq', {
      gatewayID,
      items: list,
      full,
      fullID: part?.id ?? '',
      lastPart: part?.last ?? false,
    }),
  );
}

/** A gateway that is alive and has reported these users. */
async function gateway(process: UserProcess, gatewayID: string, items: Item[] = []): Promise<void> {
  assert.equal(await beat(process, gatewayID), true, 'a new gateway is asked for everything');
  await report(process, gatewayID, items, true);
  assert.equal(await beat(process, gatewayID), false);
}

async function online(process: UserProcess, ...userIDs: string[]): Promise<number[][]> {
  const request = make('user.GetOnlinePlatformsReq', { userIDs });
  const { users } = await process.user.getOnlinePlatforms(SYSTEM, request);
  return users.map(({ onlinePlatformIDs }) => onlinePlatformIDs);
}

function published(process: UserProcess): string[] {
  return process.presences.map(({ userID, platformIDs }) => `${userID}:${platformIDs}`);
}

test('users are online on the platforms of their connections, over all gateways, in the order asked', async () => {
  await gateway(a, 'g1');
  await gateway(b, 'g2');
  await report(a, 'g1', [{ user: 'u1', platforms: [5, 5] }]);
  await report(b, 'g2', [
    { user: 'u1', platforms: [1] },
    { user: 'u2', platforms: [3] },
  ]);
  for (const process of [a, b])
    assert.deepEqual(await online(process, 'u2', 'nobody', 'u1'), [[3], [], [1, 5]]);
  assert.deepEqual(published(a), ['u1:5']);
  assert.deepEqual(published(b).sort(), ['u1:1,5', 'u2:3']);
});

test('what does not change the platforms is not published', async () => {
  await gateway(a, 'g1');
  await gateway(a, 'g2');
  await report(a, 'g1', [{ user: 'u1', platforms: [5] }]);
  await report(a, 'g1', [{ user: 'u1', platforms: [5] }]);
  await report(a, 'g1', [{ user: 'u1', platforms: [5, 5] }]);
  await report(a, 'g2', [{ user: 'u1', platforms: [5] }]);
  await report(a, 'g1', [{ user: 'u1', platforms: [] }]);
  assert.deepEqual(published(a), ['u1:5']);
  await report(a, 'g2', [{ user: 'u1', platforms: [] }]);
  assert.deepEqual(published(a), ['u1:5', 'u1:']);
  assert.deepEqual(await online(b, 'u1'), [[]]);
});

test('versions rise with every change, even after a loss', async () => {
  await gateway(a, 'g1');
  for (const platforms of [[1], [1, 5], [], [2]]) await report(a, 'g1', [{ user: 'u1', platforms }]);
  const last = a.presences.at(-1)?.version ?? 0;
  await a.store.redis.client.flushall();
  await beat(a, 'g1');
  await report(a, 'g1', [{ user: 'u1', platforms: [2] }], true);
  const versions = a.presences.map(({ version }) => version);
  assert.deepEqual(
    versions,
    versions.toSorted((x, y) => x - y),
  );
  assert.equal(new Set(versions).size, versions.length);
  assert.ok((versions.at(-1) ?? 0) > last);
});

test('users of a gateway whose heartbeat expires go offline, and that is published', async () => {
  await gateway(a, 'g1', [
    { user: 'u1', platforms: [1] },
    { user: 'u2', platforms: [2] },
  ]);
  await gateway(a, 'g2', [{ user: 'u1', platforms: [5] }]);
  a.presences.length = 0;
  const alive = setInterval(() => void beat(a, 'g2'), 300);
  try {
    await eventually(async () => assert.equal((await online(b, 'u2'))[0]?.length, 0));
    assert.deepEqual(await online(b, 'u1'), [[5]]);
    await eventually(() =>
      assert.equal(published(a).length + published(b).length, 2, 'it is published once'),
    );
    assert.deepEqual([...published(a), ...published(b)].sort(), ['u1:5', 'u2:']);
    await sleep(2_500);
    assert.equal(published(a).length + published(b).length, 2);
  } finally {
    clearInterval(alive);
  }
  assert.equal(await beat(a, 'g1'), true, 'should it live after all, it reports everything again');
  await report(a, 'g1', [{ user: 'u2', platforms: [2] }], true);
  assert.deepEqual(await online(a, 'u2'), [[2]]);
});

test('connections stop counting when the heartbeat expires, before anything is removed', async () => {
  await gateway(a, 'g1', [{ user: 'u1', platforms: [1] }]);
  await sleep(LIMIT_MS + 1_050);
  assert.deepEqual(await online(b, 'u1'), [[]]);
});

test('a flushed Redis is noticed by the next heartbeat', async () => {
  await gateway(a, 'g1', [{ user: 'u1', platforms: [1] }]);
  await a.store.redis.client.flushall();
  assert.equal(await beat(b, 'g1'), true);
  assert.equal(await beat(b, 'g1'), true, 'until everything was reported');
  await report(b, 'g1', [{ user: 'u1', platforms: [1] }], true);
  assert.equal(await beat(b, 'g1'), false);
  assert.deepEqual(await online(b, 'u1'), [[1]]);
});

test('users that a full report does not name are gone', async () => {
  await gateway(a, 'g1', [
    { user: 'u1', platforms: [1] },
    { user: 'u2', platforms: [2] },
  ]);
  await report(a, 'g1', [{ user: 'u1', platforms: [1] }], true);
  assert.deepEqual(await online(a, 'u1', 'u2'), [[1], []]);
});

test('a full report in parts is complete with its last part; who comes meanwhile stays', async () => {
  await gateway(a, 'g1', [
    { user: 'u1', platforms: [1] },
    { user: 'old', platforms: [2] },
  ]);
  await a.store.redis.client.flushall();
  await beat(a, 'g1');
  await report(a, 'g1', [{ user: 'old', platforms: [2] }]);
  await report(a, 'g1', [{ user: 'u1', platforms: [1] }], true, { id: 'r1', last: false });
  assert.equal(await beat(a, 'g1'), true, 'not complete yet');
  await report(b, 'g1', [{ user: 'fresh', platforms: [3] }]);
  await report(b, 'g1', [{ user: 'u2', platforms: [5] }], true, { id: 'r1', last: true });
  assert.equal(await beat(a, 'g1'), false);
  assert.deepEqual(await online(a, 'u1', 'u2', 'fresh', 'old'), [[1], [5], [3], []]);
});

test('tenants with the same user ids are apart', async () => {
  await gateway(a, 'g1', [{ user: 'u1', platforms: [1] }]);
  await report(a, 'g1', [{ user: 'u1', platforms: [5], tenant: T2 }]);
  const request = make('user.GetOnlinePlatformsReq', { userIDs: ['u1'] });
  const { users } = await a.user.getOnlinePlatforms(by('boss', T2), request);
  assert.deepEqual(users[0]?.onlinePlatformIDs, [5]);
  assert.deepEqual(await online(a, 'u1'), [[1]]);
});

test('the HTTP answers about who is online', async () => {
  await gateway(a, 'g1', [{ user: 'u1', platforms: [5, 5, 1] }]);
  const status = make('user.GetUserStatusReq', { userIDs: ['u2', 'u1'] });
  const { statusList } = await a.user.getUserStatus(by('u9'), status);
  assert.deepEqual(
    statusList.map((s) => [s.userID, s.status, s.platformIDs]),
    [
      ['u2', 0, []],
      ['u1', 1, [1, 5]],
    ],
  );
  const detail = make('user.GetUsersOnlineStatusReq', { userIDs: ['u1', 'u2'] });
  const { results } = await a.user.getUsersOnlineStatus(SYSTEM, detail);
  assert.deepEqual(
    results.map((r) => [
      r.userID,
      r.status,
      r.detailPlatformStatus.map((d) => [d.platformID, d.connID, d.token]),
    ]),
    [
      [
        'u1',
        1,
        [
          [5, 'g1-0', hashOf(5)],
          [5, 'g1-1', hashOf(5)],
          [1, 'g1-2', hashOf(1)],
        ],
      ],
      ['u2', 0, []],
    ],
  );
  const tokens = make('user.GetUsersOnlineTokenDetailReq', { userIDs: ['u1', 'u2'] });
  const { results: found } = await a.user.getUsersOnlineTokenDetail(SYSTEM, tokens);
  assert.deepEqual(
    found.map((r) => [r.userID, r.singlePlatformToken.map((p) => [p.platformID, p.total, p.token])]),
    [
      [
        'u1',
        [
          [1, 1, [hashOf(1)]],
          [5, 2, [hashOf(5), hashOf(5)]],
        ],
      ],
    ],
  );
  assert.deepEqual((await a.user.getUsersOnlineTokenDetail(by('u1'), tokens)).results, []);
});

test('reports of two gateways at once both count', async () => {
  await gateway(a, 'g1');
  await gateway(b, 'g2');
  for (let i = 0; i < 50; i++) {
    await Promise.all([
      report(a, 'g1', [{ user: `x${i}`, platforms: [1] }]),
      report(b, 'g2', [{ user: `x${i}`, platforms: [5] }]),
    ]);
    const last = [...a.presences, ...b.presences]
      .filter(({ userID }) => userID === `x${i}`)
      .toSorted((x, y) => x.version - y.version)
      .at(-1);
    assert.deepEqual(last?.platformIDs, [1, 5]);
  }
});

test('tokens are kept as hashes, also those of older gateways', async () => {
  await report(a, 'g1', [{ user: 'u1', platforms: [1, 5] }], false, undefined, rawToken);
  const { client } = a.store.redis;
  const kept: string[] = [];
  for (const key of await client.keys('*')) {
    if ((await client.type(key)) === 'hash') kept.push(...Object.values(await client.hgetall(key)));
  }
  assert.ok(kept.some((value) => value.includes(hashOf(1))));
  assert.ok(!kept.some((value) => value.includes('signature')), kept.join());
});

test('who is reported before the first heartbeat of a gateway is online at once, everywhere', async () => {
  await gateway(b, 'g0', [{ user: 'other', platforms: [1] }]);
  // Both know the gateways there are, and remember them for a while.
  assert.deepEqual(await online(a, 'other'), [[1]]);
  assert.deepEqual(await online(b, 'other'), [[1]]);
  await report(a, 'new', [{ user: 'u1', platforms: [1] }]);
  assert.deepEqual(await online(a, 'u1'), [[1]]);
  assert.deepEqual(await online(b, 'u1'), [[1]]);
  assert.deepEqual(
    a.presences.filter(({ userID }) => userID === 'u1').map(({ platformIDs }) => platformIDs),
    [[1]],
  );
});

test('gateways share what is left of the connections of a limited tenant', async () => {
  const settings = a.tenants.get(T1);
  assert.ok(settings);
  for (const { tenants } of [a, b])
    tenants.put({ ...settings, quotas: { ...settings.quotas, connections: 10 } });
  const tell = async (process: UserProcess, gatewayID: string, count: number, full = false) => {
    const request = make('user.GatewayHeartbeatReq', {
      gatewayID,
      tenantConnections: { [T1]: count, [T2]: 3 },
      tenantsAtLimit: full ? [T1] : [],
    });
    const { tenantShares, sharing } = await process.user.gatewayHeartbeat(SYSTEM, request);
    assert.ok(sharing);
    assert.equal(tenantShares[T2], undefined, 'not limited');
    return tenantShares[T1];
  };
  assert.equal(await tell(a, 'g1', 3), 7);
  assert.equal(await tell(b, 'g2', 0, true), 0, 'all is reserved');
  assert.equal(await tell(a, 'g1', 3), 3, 'half of seven');
  assert.equal(await tell(b, 'g2', 0, true), 2, 'half of four');
  assert.equal(await tell(a, 'g1', 3), 2, 'half of five');
  assert.equal(await tell(b, 'g2', 2, true), 2);
  assert.equal(await tell(a, 'g1', 5, true), 1);
  assert.equal(await tell(b, 'g2', 4), 0);
  // What a dead one has reserved does not count.
  await sleep(LIMIT_MS + 100);
  assert.equal(await tell(b, 'g2', 4), 6);
  for (const { tenants } of [a, b]) tenants.put(settings);
});

test('live gateways are counted by platform, each tenant alone, by their last heartbeats', async () => {
  const tell = (process: UserProcess, gatewayID: string, counts: Partial<user.TenantConnections>[]) =>
    process.user.gatewayHeartbeat(
      SYSTEM,
      make('user.GatewayHeartbeatReq', {
        gatewayID,
        counts: counts.map((one) => make('user.TenantConnections', one)),
      }),
    );
  const counted = async (tenant: TenantId) => {
    const ctx = { ...SYSTEM, tenant };
    const { gateways } = await b.user.getConnectionCounts(ctx, make('user.GetConnectionCountsReq'));
    return gateways.map(({ gatewayID, users, platforms }) => [gatewayID, users, { ...platforms }]);
  };
  await tell(a, 'g2', [{ tenant: T1, users: 1, platforms: { 1: 1 } }]);
  await tell(a, 'g1', [
    { tenant: T1, users: 2, platforms: { 1: 2, 5: 1 } },
    { tenant: T2, users: 1, platforms: { 3: 1 } },
  ]);
  await eventually(async () =>
    assert.deepEqual(await counted(T1), [
      ['g1', 2, { 1: 2, 5: 1 }],
      ['g2', 1, { 1: 1 }],
    ]),
  );
  assert.deepEqual(await counted(T2), [['g1', 1, { 3: 1 }]]);
  await tell(a, 'g2', [
    { tenant: T1, users: 1, platforms: { 1: 1 }, sends: 7, refusals: 2, pushes: 9, logins: 4 },
  ]);
  const { gateways } = await b.user.getConnectionCounts(
    { ...SYSTEM, tenant: T1 },
    make('user.GetConnectionCountsReq'),
  );
  assert.partialDeepStrictEqual(
    gateways.find(({ gatewayID }) => gatewayID === 'g2'),
    { sends: 7, refusals: 2, pushes: 9, logins: 4 },
  );
  await tell(a, 'g1', [{ tenant: T2, users: 1, platforms: { 3: 2 } }]);
  await tell(a, 'g2', [{ tenant: T1, users: 1, platforms: { 1: 1 } }]);
  assert.deepEqual(await counted(T1), [['g2', 1, { 1: 1 }]], 'what a heartbeat does not name is gone');
  await eventually(async () => assert.deepEqual(await counted(T1), [], 'a dead gateway does not count'));
  const ask = b.user.getConnectionCounts(by('u1'), make('user.GetConnectionCountsReq'));
  assert.equal(await codeOf(ask), ERR.NoPermissionError);
});

test('a thousand users of one gateway are reported and asked for together', async () => {
  const items = Array.from({ length: 1_200 }, (_, i) => ({ user: `m${i}`, platforms: [1] }));
  await gateway(a, 'g1', items);
  const found = await online(b, ...items.map(({ user }) => user));
  assert.ok(found.every((platforms) => platforms.length === 1));
});

test('without Redis presence is unknown', async () => {
  await using own = await startStores('mongo', 'redis');
  await using process = await startUser(own, newCluster());
  await own.redis.kill();
  const ask = make('user.GetOnlinePlatformsReq', { userIDs: ['u1'] });
  assert.equal(await codeOf(process.user.getOnlinePlatforms(SYSTEM, ask)), ERR.NetworkError);
  assert.equal(await codeOf(beat(process, 'g1')), ERR.NetworkError);
  assert.equal(await codeOf(report(process, 'g1', [])), ERR.NetworkError);
});
