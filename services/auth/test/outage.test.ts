import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, make } from '@im/protocol';
import { tokenKey } from '../src/jwt.ts';
import { codeOf, ctxOf, newCluster, P1, register, startAuth, startServers } from './harness.ts';

test('tokens pass by either store, and without both nobody is told that his token is bad', async () => {
  const servers = await startServers();
  try {
    const cluster = newCluster();
    await using a = await startAuth(servers, cluster);
    await using b = await startAuth(servers, cluster);
    await using c = await startAuth(servers, cluster);
    await register(a.store, P1, { userID: 'u1' });
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

    await servers.mongo.kill();
    assert.equal(await parse(b, token), 0, 'by the copy in Redis');
    assert.equal(await connect(b), 0, 'by the copy in Redis');
    assert.equal(await parse(b, unknown), ERR.NetworkError);

    await servers.redis.kill();
    assert.equal(await parse(b, token), 0, 'by the copy in the process');
    assert.equal(await parse(c, token), ERR.NetworkError);
    assert.equal(await connect(c), ERR.NetworkError);
    const login = make('auth.GetUserTokenReq', { userID: 'u1', platformID: 5 });
    assert.equal(await codeOf(c.auth.getUserToken(ctxOf(P1), login)), ERR.NetworkError);
  } finally {
    await servers.stop();
  }
});

test('without Redis tokens pass by the truth, and a kick is not undone when Redis returns', async () => {
  const servers = await startServers();
  try {
    const cluster = newCluster();
    await using a = await startAuth(servers, cluster);
    await register(a.store, P1, { userID: 'u1' });
    const login = () =>
      a.auth.getUserToken(ctxOf(P1), make('auth.GetUserTokenReq', { userID: 'u1', platformID: 5 }));
    const first = await login();
    await servers.redis.stop();
    const second = await login();
    const parse = (process: typeof a, token: string) =>
      codeOf(process.auth.parseToken(ctxOf(P1), make('auth.ParseTokenReq', { token })));
    assert.equal(await parse(a, second.token), 0);
    assert.equal(await parse(a, first.token), ERR.TokenKickedError);
  } finally {
    await servers.stop();
  }
});
