import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startNats } from '@im/dev-stores';
import { sleep } from '@im/kit';
import { ERR, make } from '@im/protocol';
import { codeOf, ctxOf, newCluster, P1, register, startAuth, startServers } from './harness.ts';

const NEWS_MS = 20_000;

test('processes that share only NATS and the stores agree on who is logged in', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'im-auth-nats-'));
  const servers = await startServers();
  const nats = await startNats({ dir });
  try {
    const database = newCluster().database;
    const ownInvalidations = () => ({ ...newCluster(), database });
    await using a = await startAuth({ ...servers, nats }, ownInvalidations());
    await using b = await startAuth({ ...servers, nats }, ownInvalidations());
    await register(a.store, P1, { userID: 'u1' });
    const login = async (process: typeof a) => {
      const request = make('auth.GetUserTokenReq', { userID: 'u1', platformID: 5 });
      return (await process.auth.getUserToken(ctxOf(P1), request)).token;
    };
    const parse = (process: typeof a, token: string) =>
      codeOf(process.auth.parseToken(ctxOf(P1), make('auth.ParseTokenReq', { token })));
    const becomes = async (process: typeof a, token: string, code: number) => {
      const deadline = Date.now() + NEWS_MS;
      while ((await parse(process, token)) !== code && Date.now() < deadline) await sleep(5);
      assert.equal(await parse(process, token), code);
    };

    const first = await login(a);
    assert.equal(await parse(b, first), 0);
    const second = await login(a);
    assert.equal(await parse(a, first), ERR.TokenKickedError);
    await becomes(b, first, ERR.TokenKickedError);

    const request = make('auth.RegisterConnectionReq', { userID: 'u1', platformID: 5, token: second });
    const { issue } = await b.auth.registerConnection(ctxOf(P1), request);
    for (let left = NEWS_MS; left > 0 && a.kicks.length === 0; left -= 5) await sleep(5);
    assert.deepEqual(
      a.kicks.map((kick) => [kick.userID, kick.platformIDs, kick.keepIssue]),
      [['u1', [5], issue]],
    );

    assert.equal(await parse(a, second), 0);
    await b.auth.forceLogout(ctxOf(P1), make('auth.ForceLogoutReq', { userID: 'u1', platformID: 5 }));
    await becomes(a, second, ERR.TokenKickedError);

    const third = await login(a);
    assert.equal(await parse(b, third), 0);
    await nats.kill();
    await login(a);
    await nats.restart();
    // b missed the news; once it is connected again it forgets what it remembered.
    const deadline = Date.now() + 15_000;
    while ((await parse(b, third)) === 0 && Date.now() < deadline) await sleep(50);
    assert.equal(await parse(b, third), ERR.TokenKickedError);
  } finally {
    await nats.stop();
    await servers.stop();
    await rm(dir, { recursive: true, force: true });
  }
});
