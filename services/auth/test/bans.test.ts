import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TenantId, tenantId } from '@im/contract';
import { withCaller } from '@im/kit';
import { ERR, ImError, type Messages, make } from '@im/protocol';
import { banRepo } from '@im/store';
import { codeOf, eventually, newCluster, startStores, type TestStores } from '@im/testing';
import { type AuthProcess, ctxOf, P1, startAuth } from './harness.ts';

const OTHER = tenantId('other');
const P0 = tenantId('p0');
const CROWD = Array.from({ length: 20 }, (_, i) => `crowd${i}`);
let stores: TestStores<'mongo' | 'redis'>;
const cluster = newCluster();
let a: AuthProcess;
/** Another process of the same cluster. */
let b: AuthProcess;

before(async () => {
  stores = await startStores('mongo', 'redis');
  a = await startAuth(stores, cluster);
  b = await startAuth(stores, cluster);
  for (const tenant of [P1, P0, OTHER]) await a.addUsers(tenant, 'u1', 'u2', 'u3', 'u4', 'imAdmin', ...CROWD);
});
after(async () => {
  await a?.[Symbol.asyncDispose]();
  await b?.[Symbol.asyncDispose]();
  await stores?.stop();
});

const admin = (tenant: TenantId) =>
  withCaller(ctxOf(tenant), { opUserID: 'imAdmin', opPlatformID: 10, opAdmin: true });

function ban(userID: string, fields: Partial<Messages['auth.BanUserReq']> = {}, tenant = P1) {
  return a.auth.banUser(admin(tenant), make('auth.BanUserReq', { userID, ...fields }));
}

async function login(process: AuthProcess, userID: string, platformID = 5, tenant = P1): Promise<string> {
  const request = make('auth.GetUserTokenReq', { userID, platformID });
  return (await process.auth.getUserToken(ctxOf(tenant), request)).token;
}

function parse(process: AuthProcess, token: string, tenant = P1) {
  return process.auth.parseToken(ctxOf(tenant), make('auth.ParseTokenReq', { token }));
}

test('a ban ends all logins at once and refuses new ones, with the reason, on all processes', async () => {
  const tokens = [await login(a, 'u1', 5), await login(b, 'u1', 2)];
  const untouched = [await login(a, 'u2'), await login(a, 'u1', 5, OTHER)] as const;
  for (const token of tokens) await parse(b, token);
  const until = Date.now() + 3_600_000;
  await ban('u1', { untilTime: until, reason: 'spam' });

  const text = `the user is banned until ${new Date(until).toISOString()}: spam`;
  const isBanned = (error: unknown) =>
    error instanceof ImError && error.code === ERR.UserBannedError && error.detail === text;
  for (const process of [a, b]) {
    await assert.rejects(login(process, 'u1', 5), isBanned);
    for (const token of tokens) await assert.rejects(parse(process, token), isBanned);
  }
  const [kick] = a.kicks.splice(0).filter(({ reason }) => reason === 'banned');
  assert.deepEqual([kick?.userID, kick?.platformIDs, kick?.tokenHashes.length], ['u1', [], 2]);
  assert.ok((kick?.keepIssue ?? 0) > 2);
  assert.deepEqual(a.silenced.splice(0), ['p1 u1 0']);
  const [own, elsewhere] = untouched;
  await parse(b, own);
  await parse(b, elsewhere, OTHER);

  assert.equal((await a.auth.unbanUser(admin(P1), make('auth.UnbanUserReq', { userID: 'u1' }))).ended, true);
  assert.equal((await a.auth.unbanUser(admin(P1), make('auth.UnbanUserReq', { userID: 'u1' }))).ended, false);
  await parse(a, await login(b, 'u1'));
  // The old ones are over; a moment ago the answer was another one.
  const [first = ''] = tokens;
  await eventually(async () => assert.equal(await codeOf(parse(b, first)), ERR.TokenKickedError), 10_000);
});

test('a ban ends by itself', async () => {
  await ban('u3', { untilTime: Date.now() + 1_500 });
  assert.equal(await codeOf(login(a, 'u3')), ERR.UserBannedError);
  await eventually(async () => assert.equal(await codeOf(login(b, 'u3')), 0), 20_000);
});

test('of a ban and logins at the same time no login survives', async () => {
  for (const tenant of [P1, P0]) {
    const tokens = CROWD.map(async (userID, i) => {
      const logins = [a, b, a, b].map((process, k) =>
        login(process, userID, [5, 2, 3, 1][k], tenant).catch((error: ImError) => error.code),
      );
      const banned = new Promise((resolve) => setTimeout(resolve, i)).then(() => ban(userID, {}, tenant));
      await banned;
      return Promise.all(logins);
    });
    for (const result of (await Promise.all(tokens)).flat()) {
      const code = typeof result === 'string' ? await codeOf(parse(b, result, tenant)) : result;
      assert.equal(code, ERR.UserBannedError);
    }
  }
});

test('who is banned is listed newest first, and not once the ban has ended', async () => {
  const list = (cursor = '', limit = 2) =>
    a.auth.searchBans(admin(OTHER), make('auth.SearchBansReq', { limit, cursor }));
  const ids = (page: Messages['auth.SearchBansResp']) => page.bans.map(({ userID }) => userID);
  for (const userID of ['u1', 'u2', 'u3']) await ban(userID, { reason: `of ${userID}` }, OTHER);
  const first = await list();
  assert.deepEqual(ids(first), ['u3', 'u2']);
  assert.deepEqual([first.bans[0]?.reason, first.bans[0]?.adminUserID], ['of u3', 'imAdmin']);
  assert.deepEqual(ids(await list(first.cursor)), ['u1']);

  await ban('u2', { untilTime: Date.now() + 50 }, OTHER);
  await eventually(async () => assert.deepEqual(ids(await list('', 9)), ['u3', 'u1']), 10_000);
  const of = make('auth.GetBansReq', { userIDs: ['u1', 'u2', 'unknown'] });
  const { bans } = await a.auth.getBans(admin(OTHER), of);
  assert.deepEqual(
    bans.map(({ userID }) => userID),
    ['u1'],
  );
  assert.equal(await banRepo(a.store).removeEnded(OTHER, Date.now()), 1);
  assert.equal((await banRepo(a.store).getMany(OTHER, ['u2'])).length, 0);
});

test('only administrators ban, and neither administrators, unknown users nor into the past', async () => {
  const request = make('auth.BanUserReq', { userID: 'u4' });
  assert.equal(
    await codeOf(
      a.auth.banUser(withCaller(ctxOf(P1), { opUserID: 'u4', opPlatformID: 5, opAdmin: false }), request),
    ),
    ERR.NoPermissionError,
  );
  assert.equal(await codeOf(ban('imAdmin')), ERR.ArgsError);
  assert.equal(await codeOf(ban('nobody')), ERR.UserIDNotFoundError);
  assert.equal(await codeOf(ban('u4', { untilTime: Date.now() - 1 })), ERR.ArgsError);
  assert.equal(await codeOf(login(a, 'u4')), 0);
});

test('a forced logout without a platform ends the logins on all', async () => {
  const tokens = [await login(a, 'u4', 5, P0), await login(b, 'u4', 2, P0)];
  await a.auth.forceLogout(ctxOf(P0), make('auth.ForceLogoutReq', { userID: 'u4' }));
  for (const token of tokens) assert.equal(await codeOf(parse(b, token, P0)), ERR.TokenKickedError);
  assert.equal(await codeOf(login(a, 'u4', 5, P0)), 0);
});
