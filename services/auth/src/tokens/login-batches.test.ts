import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TenantSettings, tenantId, tenantSettings } from '@im/contract';
import { CallScope, withinCall } from '@im/kit';
import { createMetrics } from '@im/process';
import { ERR } from '@im/protocol';
import { codeOf } from '@im/testing';
import { LoginBatches, type LoginRequest, type PendingLogin } from './login-batches.ts';

function tenant(id: string) {
  return tenantSettings({ id: tenantId(id), tokenSecret: 'secret', adminSecret: 'secret' });
}

function batches(
  run: (batch: readonly PendingLogin<string>[]) => Promise<void>,
  databaseOf: (id: string) => string = () => 'shared',
) {
  return new LoginBatches<string>({ run, databaseOf, metrics: createMetrics() });
}

function answer(batch: readonly PendingLogin<string>[]): void {
  for (const login of batch) login.resolve(`${login.tenant.id} ${login.userID}`);
}

const [A, B] = [tenant('a'), tenant('b')];

function request(of: TenantSettings, userID: string, platformID: number): LoginRequest {
  return { tenant: of, userID, platformID, authorize: async () => {} };
}

test('logins of one tick are one batch, and each has its own result', async () => {
  const sizes: number[] = [];
  const gathered = batches(async (batch) => {
    sizes.push(batch.length);
    answer(batch);
  });
  const results = await Promise.all([
    gathered.login(request(A, 'u', 1)),
    gathered.login(request(B, 'u', 1)),
    gathered.login(request(A, 'v', 1)),
  ]);
  assert.deepEqual(results, ['a u', 'b u', 'a v']);
  assert.deepEqual(sizes, [3]);
});

test('a database that does not answer holds up no other', async () => {
  const gathered = batches(
    async (batch) => {
      if (batch[0]?.tenant === A) await new Promise(() => {});
      answer(batch);
    },
    (id) => id,
  );
  const stuck = gathered.login(request(A, 'u', 1));
  assert.equal(await gathered.login(request(B, 'u', 1)), 'b u');
  assert.equal(await Promise.race([stuck, 'open']), 'open');
});

test('a slow login holds up no other of its database for long', async () => {
  const slow = Promise.withResolvers<void>();
  const gathered = batches(async (batch) => {
    answer(batch.filter(({ userID }) => userID !== 'slow'));
    if (batch.some((login) => !login.settled)) await slow.promise;
    answer(batch);
  });
  const held = [gathered.login(request(A, 'slow', 1))];
  await new Promise(setImmediate);
  await gathered.login(request(A, 'x', 1));
  held.push(gathered.login(request(B, 'slow', 1)));
  await new Promise(setImmediate);
  assert.equal(await gathered.login(request(B, 'y', 1)), 'b y');
  slow.resolve();
  await Promise.all(held);
});

test('a flood of one tenant, or of one user, is refused; others are served', async () => {
  const open = Promise.withResolvers<void>();
  const gathered = batches(async (batch) => {
    await open.promise;
    answer(batch);
  });
  const ofUser = Array.from({ length: 51 }, () => gathered.login(request(A, 'u', 1)));
  assert.equal(await codeOf(gathered.login(request(A, 'u', 1))), ERR.NetworkError);
  const flood = Array.from({ length: 4_000 - 51 }, (_, i) => gathered.login(request(A, `f${i}`, 1)));
  assert.equal(await codeOf(gathered.login(request(A, 'one more', 1))), ERR.TooManyRequests);
  const calm = gathered.login(request(B, 'u', 1));
  open.resolve();
  assert.equal(await calm, 'b u');
  await Promise.all([...ofUser, ...flood]);
  assert.equal(await gathered.login(request(A, 'one more', 1)), 'a one more');
});

test('a login whose caller has gone is not started', async () => {
  const started: string[] = [];
  const first = Promise.withResolvers<void>();
  const gathered = batches(async (batch) => {
    started.push(...batch.map(({ userID }) => userID));
    await first.promise;
    answer(batch);
  });
  const held = gathered.login(request(A, 'u', 1));
  await new Promise(setImmediate);
  const call = new CallScope({ deadline: Date.now() + 10_000 });
  const gone = withinCall(call, () => gathered.login(request(A, 'u', 2)));
  call.cancel();
  await assert.rejects(gone);
  first.resolve();
  await held;
  await new Promise(setImmediate);
  assert.deepEqual(started, ['u']);
});

test('a batch that fails fails its logins alone', async () => {
  let failing = true;
  const gathered = batches(async (batch) => {
    if (failing) throw new Error('refused');
    answer(batch);
  });
  await assert.rejects(gathered.login(request(A, 'u', 1)), /refused/);
  failing = false;
  assert.equal(await gathered.login(request(A, 'u', 1)), 'a u');
});
