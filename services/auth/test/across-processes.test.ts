import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, make } from '@im/protocol';
import { codeOf, eventually, newCluster, startStores } from '@im/testing';
import { ctxOf, P1, startAuth } from './harness.ts';

const NEWS_MS = 20_000;

test('processes that share only NATS and the stores agree on who is logged in', async () => {
  await using stores = await startStores('mongo', 'redis', 'nats');
  const database = newCluster().database;
  const ownInvalidations = () => ({ ...newCluster(), database });
  await using a = await startAuth(stores, ownInvalidations());
  await using b = await startAuth(stores, ownInvalidations());
  await a.addUsers(P1, 'u1');
  const login = async (process: typeof a) => {
    const request = make('auth.GetUserTokenReq', { userID: 'u1', platformID: 5 });
    return (await process.auth.getUserToken(ctxOf(P1), request)).token;
  };
  const parse = (process: typeof a, token: string) =>
    codeOf(process.auth.parseToken(ctxOf(P1), make('auth.ParseTokenReq', { token })));
  const becomes = (process: typeof a, token: string, code: number) =>
    eventually(async () => assert.equal(await parse(process, token), code), NEWS_MS);

  const first = await login(a);
  assert.equal(await parse(b, first), 0);
  const second = await login(a);
  assert.equal(await parse(a, first), ERR.TokenKickedError);
  await becomes(b, first, ERR.TokenKickedError);

  const request = make('auth.RegisterConnectionReq', { userID: 'u1', platformID: 5, token: second });
  const { issue } = await b.auth.registerConnection(ctxOf(P1), request);
  await eventually(
    () =>
      assert.deepEqual(
        a.kicks.map((kick) => [kick.userID, kick.platformIDs, kick.keepIssue]),
        [['u1', [5], issue]],
      ),
    NEWS_MS,
  );

  assert.equal(await parse(a, second), 0);
  await b.auth.forceLogout(ctxOf(P1), make('auth.ForceLogoutReq', { userID: 'u1', platformID: 5 }));
  await becomes(a, second, ERR.TokenKickedError);

  const third = await login(a);
  assert.equal(await parse(b, third), 0);
  await stores.nats.kill();
  await login(a);
  await stores.nats.restart();
  // b missed the news; once it is connected again it forgets what it remembered.
  await becomes(b, third, ERR.TokenKickedError);
});
