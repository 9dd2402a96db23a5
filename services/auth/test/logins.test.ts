import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { tenantId } from '@im/contract';
import { ERR, make } from '@im/protocol';
import { tokenRepo } from '@im/store';
import { codeOf, newCluster, startStores, type TestStores } from '@im/testing';
import { type AuthProcess, ctxOf, P1, startAuth } from './harness.ts';

let stores: TestStores<'mongo' | 'redis'>;
const cluster = newCluster();
let a: AuthProcess;
/** Another process of the same cluster. */
let b: AuthProcess;

const P4 = tenantId('p4');
const USERS = Array.from({ length: 100 }, (_, i) => `user${i}`);

before(async () => {
  stores = await startStores('mongo', 'redis');
  a = await startAuth(stores, cluster);
  b = await startAuth(stores, cluster);
  for (const tenant of [P1, P4]) await a.addUsers(tenant, ...USERS);
});
after(async () => {
  await a?.[Symbol.asyncDispose]();
  await b?.[Symbol.asyncDispose]();
  await stores?.stop();
});

async function login(process: AuthProcess, userID: string, platformID: number, tenant = P1): Promise<string> {
  const request = make('auth.GetUserTokenReq', { userID, platformID });
  return (await process.auth.getUserToken(ctxOf(tenant), request)).token;
}

function verdict(process: AuthProcess, token: string, tenant = P1): Promise<number> {
  return codeOf(process.auth.parseToken(ctxOf(tenant), make('auth.ParseTokenReq', { token })));
}

test('two processes that log in the same users at once leave each with one token, under distinct numbers', async () => {
  for (const [tenant, platforms] of [
    [P1, [5, 5]],
    [P4, [1, 2]],
  ] as const) {
    for (let round = 0; round < 3; round++) {
      const tokens = await Promise.all(
        USERS.map((userID) =>
          Promise.all([a, b].map((process, i) => login(process, userID, platforms[i] ?? 0, tenant))),
        ),
      );
      for (const pair of tokens) {
        assert.notEqual(pair[0], pair[1]);
        const codes = await Promise.all(pair.map((token) => verdict(b, token, tenant)));
        assert.deepEqual(codes.toSorted(), [0, ERR.TokenKickedError]);
      }
    }
    const repo = tokenRepo(a.store);
    assert.equal((await repo.issueState(tenant, USERS[0] ?? '')).lastIssue, 6);
  }
});

test('what was answered is stored: it passes in a new process without copies', async () => {
  const tokens = await Promise.all(USERS.map((userID) => login(a, userID, 3)));
  await a.store.redis.client.flushall();
  await using fresh = await startAuth(stores, cluster);
  const codes = await Promise.all(tokens.map((token) => verdict(fresh, token)));
  assert.deepEqual(new Set(codes), new Set([0]));
});
