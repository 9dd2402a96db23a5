import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { tenantId, tenantSettings } from '@im/contract';
import { sleep } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { ERR, make } from '@im/protocol';
import { codeOf, newCluster, startStores, type TestStores } from '@im/testing';
import { tokenKey } from '../src/tokens/jwt.ts';
import { type AuthProcess, ctxOf, P1, startAuth, TENANTS, tokensOf } from './harness.ts';

let stores: TestStores<'mongo' | 'redis'>;
const cluster = newCluster();
let a: AuthProcess;
/** Another process of the same cluster. */
let b: AuthProcess;

before(async () => {
  stores = await startStores('mongo', 'redis');
  a = await startAuth(stores, cluster);
  b = await startAuth(stores, cluster);
  for (const { id } of TENANTS) {
    await a.addUsers(
      tenantId(id),
      ...['u1', 'u2', 'u3', 'u4', 'u5', 'u6', 'u7'],
      { userID: 'imAdmin', appMangerLevel: 2 },
      { userID: 'app', appMangerLevel: 3 },
    );
  }
});
after(async () => {
  await a?.[Symbol.asyncDispose]();
  await b?.[Symbol.asyncDispose]();
  await stores?.stop();
});

async function login(process: AuthProcess, userID: string, platformID: number, tenant = P1): Promise<string> {
  const { token } = await process.auth.getUserToken(
    ctxOf(tenant),
    make('auth.GetUserTokenReq', { userID, platformID }),
  );
  return token;
}

function parse(process: AuthProcess, token: string, tenant = P1) {
  return process.auth.parseToken(ctxOf(tenant), make('auth.ParseTokenReq', { token }));
}

function registerConnection(
  process: AuthProcess,
  userID: string,
  platformID: number,
  token: string,
  tenant = P1,
) {
  const request = make('auth.RegisterConnectionReq', {
    userID,
    platformID,
    token,
    connID: 'c',
    gatewayID: 'g',
  });
  return process.auth.registerConnection(ctxOf(tenant), request);
}

test('a token names its bearer and its expiry', async () => {
  const { token, expireTimeSeconds } = await a.auth.getUserToken(
    ctxOf(P1),
    make('auth.GetUserTokenReq', { userID: 'u1', platformID: 5 }),
  );
  assert.equal(expireTimeSeconds, 90 * 86_400);
  const bearer = await parse(b, token);
  assert.deepEqual([bearer.userID, bearer.platformID], ['u1', 5]);
  assert.ok(Math.abs(bearer.expireTimeSeconds - (Date.now() / 1000 + 90 * 86_400)) < 10);
});

test('a second login ends the first everywhere, at once, though the token was remembered', async () => {
  const first = await login(a, 'u2', 1);
  await parse(a, first);
  await parse(b, first);
  const second = await login(a, 'u2', 1);
  assert.notEqual(first, second);
  assert.equal(await codeOf(parse(a, first)), ERR.TokenKickedError);
  assert.equal(await codeOf(parse(b, first)), ERR.TokenKickedError);
  assert.equal(await codeOf(parse(b, second)), 0);
  const elsewhere = await login(a, 'u2', 5);
  assert.equal(await codeOf(parse(b, second)), 0);
  assert.equal(await codeOf(parse(b, elsewhere)), 0);
});

for (const [policy, platforms, survivors] of [
  [0, [1, 1, 1, 1, 1, 1], 2],
  [1, [1, 1, 1, 1, 1, 1, 5, 5], 2],
  [4, [1, 2, 1, 2, 3, 4, 7], 2],
  [5, [1, 2, 5, 6, 8, 9, 11], 1],
  [5, [3, 4, 7, 3], 4],
] as const) {
  test(`logins at once under policy ${policy} on ${platforms} leave ${survivors}`, async () => {
    const tenant = tenantId(`p${policy}`);
    for (let round = 0; round < 3; round++) {
      const user = `u${3 + round}`;
      const tokens = await Promise.all(
        platforms.map((platform, i) => login(i % 2 === 0 ? a : b, user, platform, tenant)),
      );
      const codes = await Promise.all(tokens.map((token) => codeOf(parse(b, token, tenant))));
      assert.equal(codes.filter((code) => code === 0).length, survivors, `${codes}`);
      assert.ok(
        codes.every((code) => code === 0 || code === ERR.TokenKickedError),
        `${codes}`,
      );
      for (const platform of new Set(platforms)) {
        const request = make('auth.ForceLogoutReq', { userID: user, platformID: platform });
        await a.auth.forceLogout(ctxOf(tenant), request);
      }
    }
  });
}

test('a token that was never issued does not exist, and that of another tenant is not even signed', async () => {
  const claims = { userID: 'u1', platformID: 5, expires: Math.floor(Date.now() / 1000) + 1_000 };
  const forged = tokenKey('openIM123').sign(claims, 1);
  assert.equal(await codeOf(parse(a, forged)), ERR.TokenNotExistError);
  const foreign = await login(a, 'u1', 5, tenantId('other'));
  assert.equal(await codeOf(parse(a, foreign, tenantId('other'))), 0);
  assert.equal(await codeOf(parse(a, foreign)), ERR.TokenUnknownError);
  // The second one: first tokens of one second, signed with one key, are the same text in both tenants.
  await login(a, 'u1', 5, tenantId('p4'));
  const sameKey = await login(a, 'u1', 5, tenantId('p4'));
  assert.equal(await codeOf(parse(a, sameKey)), ERR.TokenNotExistError);
});

test('a flushed Redis ends no login', async () => {
  const token = await login(a, 'u1', 2);
  await parse(b, token);
  await a.store.redis.client.flushall();
  assert.equal(await codeOf(parse(a, token)), 0);
  await using fresh = await startAuth(stores, cluster);
  assert.equal(await codeOf(parse(fresh, token)), 0, 'by the truth');
  assert.equal(await codeOf(registerConnection(b, 'u1', 2, token)), 0);
});

test('a forced logout ends every token of the platform and notifies the gateways', async () => {
  const phone = await login(a, 'u6', 1);
  const web = await login(a, 'u6', 5);
  const { issue } = await registerConnection(b, 'u6', 1, phone);
  await b.auth.forceLogout(ctxOf(P1), make('auth.ForceLogoutReq', { userID: 'u6', platformID: 1 }));
  assert.equal(await codeOf(parse(a, phone)), ERR.TokenKickedError);
  assert.equal(await codeOf(parse(a, web)), 0);
  const kick = b.kicks.at(-1);
  assert.deepEqual([kick?.tenant, kick?.userID, kick?.platformIDs], ['p1', 'u6', [1]]);
  assert.ok(kick && kick.keepIssue > issue && kick.tokenHashes.length === 1);
  assert.equal(b.silenced.at(-1), 'p1 u6 1', 'it gets no offline notifications any more');
  const again = await login(a, 'u6', 1);
  assert.ok(
    (await registerConnection(a, 'u6', 1, again)).issue > kick.keepIssue,
    'a later login is not hit by an old kick',
  );
});

test('a forced logout of an unknown user is no error', async () => {
  const request = make('auth.ForceLogoutReq', { userID: 'nobody', platformID: 1 });
  assert.equal(await codeOf(a.auth.forceLogout(ctxOf(P1), request)), 0);
});

test('a connection kicks those of lower issue; the same token may come again; a superseded one is refused', async () => {
  const first = await login(a, 'u7', 5);
  const one = await registerConnection(a, 'u7', 5, first);
  const same = await registerConnection(b, 'u7', 5, first);
  assert.equal(one.issue, same.issue);
  const second = await login(b, 'u7', 5);
  const two = await registerConnection(a, 'u7', 5, second);
  assert.ok(two.issue > one.issue);
  const kick = a.kicks.at(-1);
  assert.deepEqual([kick?.userID, kick?.platformIDs, kick?.keepIssue], ['u7', [5], two.issue]);
  assert.equal(await codeOf(registerConnection(b, 'u7', 5, first)), ERR.TokenKickedError);
  assert.equal(await codeOf(registerConnection(b, 'u7', 1, second)), ERR.TokenInvalidError);
  assert.equal(await codeOf(registerConnection(b, 'u1', 5, second)), ERR.TokenInvalidError);
});

test('who may have a token', async () => {
  const ask = (userID: string, platformID: number) =>
    codeOf(a.auth.getUserToken(ctxOf(P1), make('auth.GetUserTokenReq', { userID, platformID })));
  assert.equal(await ask('nobody', 1), ERR.RecordNotFoundError);
  assert.equal(await ask('', 1), ERR.RecordNotFoundError);
  assert.equal(await ask('imAdmin', 1), ERR.NoPermissionError);
  assert.equal(await ask('u1', 10), ERR.NoPermissionError);
  assert.equal(await ask('u1', 0), ERR.ArgsError);
  assert.equal(await ask('u1', 12), ERR.ArgsError);
  assert.equal(await ask('app', 1), ERR.ArgsError);
});

test('who may have an admin token', async () => {
  const ask = (secret: string, userID: string, tenant = P1) =>
    codeOf(a.auth.getAdminToken(ctxOf(tenant), make('auth.GetAdminTokenReq', { secret, userID })));
  assert.equal(await ask('letmein', 'imAdmin'), 0);
  assert.equal(await ask('wrong', 'imAdmin'), ERR.NoPermissionError);
  assert.equal(await ask('', 'imAdmin'), ERR.NoPermissionError);
  assert.equal(await ask('letmein', 'u1'), ERR.ArgsError);
  assert.equal(await ask('letmein', 'imAdmin', tenantId('unknown')), ERR.NetworkError);
});

test('the former admin token passes for five more minutes, as an admin', async () => {
  let now = Date.now();
  const tokens = a.tokens(() => now);
  const settings = tenantSettings({ id: P1, tokenSecret: 'openIM123', adminSecret: 'letmein' });
  const first = await tokens.issueAdmin(settings, 'imAdmin');
  assert.equal((await tokens.verify(settings, first.token)).platformID, 10);
  now += 60_000;
  const second = await tokens.issueAdmin(settings, 'imAdmin');
  now += 4 * 60_000;
  assert.equal(await codeOf(tokens.verify(settings, first.token)), 0);
  const third = await tokens.issueAdmin(settings, 'imAdmin');
  now += 59_000;
  assert.equal(
    await codeOf(tokens.verify(settings, first.token)),
    0,
    'a third token does not prolong the first',
  );
  now += 2_000;
  assert.equal(await codeOf(tokens.verify(settings, first.token)), ERR.TokenNotExistError);
  assert.equal(await codeOf(tokens.verify(settings, second.token)), 0);
  now += 5 * 60_000;
  assert.equal(await codeOf(tokens.verify(settings, second.token)), ERR.TokenNotExistError);
  assert.equal(await codeOf(tokens.verify(settings, third.token)), 0);
});

test('admin logins of one second share a token, unless it was ended or the key changed', async () => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const tokens = a.tokens(() => now);
  const of = (tokenSecret: string) => tenantSettings({ id: P1, tokenSecret, adminSecret: 'letmein' });
  const settings = of('openIM123');
  const many = await Promise.all(Array.from({ length: 500 }, () => tokens.issueAdmin(settings, 'imAdmin')));
  const [first] = new Set(many.map(({ token }) => token));
  assert.ok(first);
  assert.deepEqual(new Set(many.map(({ token }) => token)), new Set([first]));
  assert.equal(await codeOf(tokens.verify(settings, first)), 0);
  const other = of('another key');
  const { token: byOther } = await tokens.issueAdmin(other, 'imAdmin');
  assert.equal(await codeOf(tokens.verify(other, byOther)), 0);
  await tokens.endAll(other, 'imAdmin', 10);
  const { token: next } = await tokens.issueAdmin(other, 'imAdmin');
  assert.notEqual(next, byOther);
  assert.equal(await codeOf(tokens.verify(other, byOther)), ERR.TokenKickedError);
  assert.equal(await codeOf(tokens.verify(other, next)), 0);
});

test('a token that was verified before costs less than 20 microseconds', async () => {
  const token = await login(a, 'u1', 7);
  const tokens = a.tokens(Date.now);
  const settings = tenantSettings({ id: P1, tokenSecret: 'openIM123', adminSecret: 'letmein' });
  await tokens.verify(settings, token);
  for (let i = 0; i < 5_000; i++) await tokens.verify(settings, token);
  const startedAt = process.cpuUsage();
  const rounds = 20_000;
  for (let i = 0; i < rounds; i++) await tokens.verify(settings, token);
  const { user, system } = process.cpuUsage(startedAt);
  const each = (user + system) / rounds;
  assert.ok(each < 20, `${each} us`);
});

test('a tenant that is removed leaves nothing in memory', async () => {
  let clock = Date.now();
  const { store } = a;
  const tasks = createTaskRunner({ log: silentLogger(), metrics: createMetrics() });
  const tokens = tokensOf(store, tasks, () => clock);
  const login = async (userID: string) => {
    const settings = tenantSettings({ id: P1, tokenSecret: userID, adminSecret: 'letmein' });
    const { token } = await tokens.issueAdmin(settings, userID);
    await tokens.verify(settings, token);
    return new WeakRef(settings);
  };
  const removed = await login('u6');
  clock += 1_000;
  await login('u7');
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  for (let i = 0; i < 50 && removed.deref() !== undefined; i++) {
    await sleep(20);
    collect();
  }
  assert.equal(removed.deref(), undefined);
  await tasks.stop();
});
