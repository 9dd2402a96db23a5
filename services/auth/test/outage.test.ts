import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, make } from '@im/protocol';
import { codeOf, newCluster, startStores } from '@im/testing';
import { tokenKey } from '../src/tokens/jwt.ts';
import { ctxOf, P1, startAuth } from './harness.ts';

test('tokens pass by either store, and without both no token is called invalid', async () => {
  await using stores = await startStores('mongo', 'redis');
  const cluster = newCluster();
  await using a = await startAuth(stores, cluster);
  await using b = await startAuth(stores, cluster);
  await using c = await startAuth(stores, cluster);
  await a.addUsers(P1, 'u1');
  const { token } = await a.auth.getUserToken(
    ctxOf(P1),
    make('auth.GetUserTokenReq', { userID: 'u1', platformID: 5 }),
  );
  const claims = { userID: 'u1', platformID: 5, expires: Math.floor(Date.now() / 1000) + 1_000 };
  const unknown = tokenKey('openIM123').sign(claims, 1);
  const parse = (process: typeof a, what: string) =>
    codeOf(process.auth.parseToken(ctxOf(P1), make('auth.ParseTokenReq', { token: what })));
  const connect = (process: typeof a) =>
    codeOf(
      process.auth.registerConnection(
        ctxOf(P1),
        make('auth.RegisterConnectionReq', { userID: 'u1', platformID: 5, token }),
      ),
    );

  await stores.mongo.kill();
  assert.equal(await parse(b, token), 0, 'by the copy in Redis');
  assert.equal(await connect(b), 0, 'by the copy in Redis');
  assert.equal(await parse(b, unknown), ERR.NetworkError);

  await stores.redis.kill();
  assert.equal(await parse(b, token), 0, 'by the copy in the process');
  assert.equal(await parse(c, token), ERR.NetworkError);
  assert.equal(await connect(c), ERR.NetworkError);
  const login = make('auth.GetUserTokenReq', { userID: 'u1', platformID: 5 });
  assert.equal(await codeOf(c.auth.getUserToken(ctxOf(P1), login)), ERR.NetworkError);
});

test('without Redis tokens pass by the truth, and a kick is not undone when Redis returns', async () => {
  await using stores = await startStores('mongo', 'redis');
  const cluster = newCluster();
  await using a = await startAuth(stores, cluster);
  await a.addUsers(P1, 'u1');
  const login = () =>
    a.auth.getUserToken(ctxOf(P1), make('auth.GetUserTokenReq', { userID: 'u1', platformID: 5 }));
  const first = await login();
  await stores.redis.stop();
  const second = await login();
  const parse = (process: typeof a, token: string) =>
    codeOf(process.auth.parseToken(ctxOf(P1), make('auth.ParseTokenReq', { token })));
  assert.equal(await parse(a, second.token), 0);
  assert.equal(await parse(a, first.token), ERR.TokenKickedError);
});
