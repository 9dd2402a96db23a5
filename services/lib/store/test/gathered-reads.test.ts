import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { TenantId } from '@im/contract';
import { CallScope, withinCall } from '@im/kit';
import { ERR } from '@im/protocol';
import { conversationSeqs, seqUsers, type TokenSet, tokenRepo } from '../src/index.ts';
import { TOKENS } from '../src/repos/token.ts';
import { DEDICATED, openStore, SHARED, startServers, type TestStore, untilReady } from './harness.ts';

let servers: Awaited<ReturnType<typeof startServers>>;
let opened: TestStore;
/** Collections that were read, one entry per command. */
let reads: string[] = [];

before(async () => {
  servers = await startServers();
  opened = await openStore(servers.uris, {
    onCommand: ({ command }) => {
      if (typeof command.find === 'string') reads.push(command.find);
    },
  });
  await untilReady(opened.store);
});
after(async () => {
  await opened?.[Symbol.asyncDispose]();
  await servers?.stop();
});

const USERS = Array.from({ length: 20 }, (_, i) => `user${i}`);

async function issue(tenant: TenantId, userID: string, hash: string): Promise<TokenSet> {
  return tokenRepo(opened.store).change(tenant, userID, 5, ({ live, kicked }) => ({
    live: [...live, { hash, issue: live.length + 1, expires: Date.now() + 60_000 }],
    kicked,
  }));
}

for (const [placement, tenants] of Object.entries({ SHARED, DEDICATED })) {
  describe(`gathered reads, ${placement.toLowerCase()} placement`, () => {
    test('reads of many users and two tenants at once are a few commands, and each gets its own', async () => {
      const repo = tokenRepo(opened.store);
      for (const tenant of tenants) {
        await Promise.all(USERS.map((userID) => issue(tenant, userID, `${tenant} ${userID}`)));
      }
      reads = [];
      const sets = await Promise.all(
        tenants.flatMap((tenant) => USERS.map((userID) => repo.getAll(tenant, userID))),
      );
      assert.equal(reads.length, 2, 'one per tenant');
      const hashes = sets.map((found) => found.flatMap(({ live }) => live.map(({ hash }) => hash)));
      assert.deepEqual(
        hashes,
        tenants.flatMap((tenant) => USERS.map((userID) => [`${tenant} ${userID}`])),
      );
      assert.deepEqual(await repo.getAll(tenants[0], 'unknown'), []);
    });

    test('a read sees what was written before it, also while others are under way', async () => {
      const repo = tokenRepo(opened.store);
      await Promise.all(
        USERS.map(async (userID) => {
          for (let n = 0; n < 5; n++) {
            await issue(tenants[0], userID, `hash ${n}`);
            const [set] = await repo.getAll(tenants[0], userID);
            assert.ok(
              set?.live.some(({ hash }) => hash === `hash ${n}`),
              `${userID} ${n}`,
            );
          }
        }),
      );
    });

    test('reads by id share a command, whichever conversations they name', async () => {
      const [one, other] = tenants;
      const seqs = conversationSeqs(opened.store);
      await seqs.apply(
        tenants.flatMap((tenant, i) =>
          USERS.map((id, n) => ({ tenant, conversationID: id, max: 100 * i + n + 1, src: 1, maxTime: 1 })),
        ),
      );
      reads = [];
      const found = await Promise.all([
        ...USERS.map((id) => seqs.get(one, [id, 'none'])),
        ...USERS.map((id) => seqs.get(other, [id, id])),
      ]);
      assert.equal(reads.length, one === SHARED[0] ? 1 : 2, 'one per database');
      assert.deepEqual(
        found.map((states) => [...states].map(([id, { max }]) => `${id} ${max}`)),
        [...USERS.map((id, n) => [`${id} ${n + 1}`]), ...USERS.map((id, n) => [`${id} ${101 + n}`])],
      );
    });

    test('a query that cannot be made fails alone', async () => {
      const users = seqUsers(opened.store);
      const [tenant] = tenants;
      await users.raiseRead([{ tenant, userID: 'a', conversationID: 'c', value: 7 }]);
      const [good, bad, large] = await Promise.allSettled([
        users.get(tenant, 'a', ['c']),
        users.get(tenant, 'a', ['c\u001fd']),
        users.get(tenant, 'a', ['c', ...Array.from({ length: 3_000 }, (_, i) => `c${i}`)]),
      ]);
      assert.equal(good.status === 'fulfilled' && good.value.get('c')?.read, 7);
      assert.equal(bad.status === 'rejected' && bad.reason.code, ERR.ArgsError);
      assert.equal(large.status === 'fulfilled' && large.value.size, 1);
    });
  });
}

test('documents that exceed one answer are all read, of users and by id', async () => {
  const [tenant] = SHARED;
  const view = opened.store.collection(tenant, TOKENS);
  // 24 MB; an answer has at most 16.
  const hash = 'x'.repeat(1_200_000);
  const users = Array.from({ length: 20 }, (_, i) => `large${i}`);
  for (const userID of users) {
    await view.col.insertOne({
      ...{ _id: view.key(userID, '5'), t: tenant, v: 1, userID, platformID: 5, rev: 1, kicked: [] },
      ...{ live: [{ hash, issue: 1, expires: 1 }], lastExpires: 1 },
    });
  }
  const repo = tokenRepo(opened.store);
  const whole = (sets: readonly TokenSet[]) => sets.map(({ userID, live }) => [userID, live[0]?.hash.length]);
  const wanted = users.map((userID) => [userID, hash.length]);
  const ofUsers = await Promise.all(users.map((userID) => repo.getAll(tenant, userID)));
  assert.deepEqual(whole(ofUsers.flat()), wanted);
  const byId = await Promise.all(users.map((userID) => repo.get(tenant, userID, 5)));
  assert.deepEqual(whole(byId), wanted);
});

test('a call without time left asks nothing, and costs the others nothing', async () => {
  const repo = tokenRepo(opened.store);
  reads = [];
  const late = new CallScope({ deadline: Date.now() - 1 });
  const [refused, answered] = await Promise.allSettled([
    withinCall(late, () => repo.getAll(SHARED[0], 'late')),
    repo.getAll(SHARED[0], 'unknown'),
  ]);
  assert.equal(refused.status === 'rejected' && refused.reason.code, ERR.NetworkError);
  assert.deepEqual(answered.status === 'fulfilled' && answered.value, []);
  assert.equal(reads.length, 1);
});
