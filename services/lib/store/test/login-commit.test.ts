import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TenantId } from '@im/contract';
import type { GroupCommitWriter } from '../src/group-commit.ts';
import { type LoginWrite, loginCommit, type TokenSet, tokenRepo } from '../src/index.ts';
import { DEDICATED, openStore, SHARED, startServers, type TestStore, untilReady } from './harness.ts';

let servers: Awaited<ReturnType<typeof startServers>>;
let opened: TestStore;
let writer: GroupCommitWriter;

before(async () => {
  servers = await startServers();
  opened = await openStore(servers.uris);
  await untilReady(opened.store);
  writer = opened.store.groupCommit.open();
});
after(async () => {
  await writer?.close();
  await opened?.[Symbol.asyncDispose]();
  await servers?.stop();
});

const PLATFORM = 5;

/** The next login of a user, from what is stored. */
async function next(tenant: TenantId, userID: string): Promise<LoginWrite> {
  const repo = tokenRepo(opened.store);
  const issue = (await repo.issueState(tenant, userID)).lastIssue + 1;
  const current = await repo.get(tenant, userID, PLATFORM);
  const live = { hash: `${userID} ${issue}`, issue, expires: Date.now() + 60_000 };
  const changed: TokenSet = { ...current, rev: current.rev + 1, live: [live], kicked: [] };
  return { tenant, userID, issue, sets: [{ before: current, after: changed }] };
}

async function stored(tenant: TenantId, userID: string) {
  const repo = tokenRepo(opened.store);
  const { rev, live } = await repo.get(tenant, userID, PLATFORM);
  return [(await repo.issueState(tenant, userID)).lastIssue, rev, ...live.map(({ hash }) => hash)];
}

for (const [placement, [tenant]] of Object.entries({ SHARED, DEDICATED })) {
  describe(`commits of logins, ${placement.toLowerCase()} placement`, () => {
    const commits = () => loginCommit(opened.store);

    test('first logins and later ones are written at once', async () => {
      assert.equal(await commits().commit(writer, [await next(tenant, 'a')]), true);
      const both = await Promise.all([next(tenant, 'a'), next(tenant, 'b')]);
      assert.equal(await commits().commit(writer, both), true);
      assert.deepEqual(await stored(tenant, 'a'), [2, 2, 'a 2']);
      assert.deepEqual(await stored(tenant, 'b'), [1, 1, 'b 1']);
    });

    test('of two logins from the same state one is written, and nothing of what travels with the other', async () => {
      for (const user of ['new', 'a']) {
        const [one, other, bystander] = await Promise.all([
          next(tenant, user),
          next(tenant, user),
          next(tenant, `bystander of ${user}`),
        ]);
        assert.equal(await commits().commit(writer, [one]), true);
        const before = await stored(tenant, user);
        assert.equal(await commits().commit(writer, [bystander, other]), false);
        assert.deepEqual(await stored(tenant, user), before);
        assert.deepEqual(await stored(tenant, `bystander of ${user}`), [0, 0]);
      }
    });

    test('a set that changed since it was read takes its number with it', async () => {
      await commits().commit(writer, [await next(tenant, 'c')]);
      const login = await next(tenant, 'c');
      await tokenRepo(opened.store).change(tenant, 'c', PLATFORM, () => ({ live: [], kicked: [] }));
      assert.equal(await commits().commit(writer, [login]), false);
      assert.deepEqual(await stored(tenant, 'c'), [1, 2]);
    });

    test('a set that was removed since it was read is made again', async () => {
      await commits().commit(writer, [await next(tenant, 'd')]);
      const login = await next(tenant, 'd');
      assert.ok((await tokenRepo(opened.store).removeExpired(tenant, Date.now() + 120_000)) > 0);
      assert.equal(await commits().commit(writer, [login]), true);
      const [set] = await tokenRepo(opened.store).getAll(tenant, 'd');
      assert.deepEqual([set?.platformID, set?.rev, set?.live[0]?.hash], [PLATFORM, 2, 'd 2']);
    });
  });
}

test('writers at once give each login of a user a number that no other has', async () => {
  const [tenant] = SHARED;
  const commits = loginCommit(opened.store);
  let written = 0;
  await Promise.all(
    Array.from({ length: 4 }, async () => {
      const own = opened.store.groupCommit.open();
      for (let n = 0; n < 10; n++) if (await commits.commit(own, [await next(tenant, 'race')])) written++;
      await own.close();
    }),
  );
  assert.ok(written > 0);
  assert.deepEqual(await stored(tenant, 'race'), [written, written, `race ${written}`]);
});
