import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TenantId, tenantSettings } from '@im/contract';
import { staticTenants } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import type { LiveRun, RunRequest } from '@im/store';
import { createRequests, DEAD_AFTER_MS } from './requests.ts';
import type { Schedule } from './run-jobs.ts';

const tenants = staticTenants(
  ['a', 'b'].map((id) => tenantSettings({ id, tokenSecret: 's', adminSecret: 's' })),
);

function fixture() {
  const pending = new Map<string, RunRequest>();
  const unfinished: (RunRequest & LiveRun)[] = [];
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const schedule: Schedule = {
    has: (job) => job !== 'unknown',
    stop() {},
    async run(job, { id }, _signal, { dead, onClaimed } = {}) {
      await onClaimed?.();
      started.push(`${job} ${id}${dead ? ` instead of ${dead.owner}` : ''}`);
      await new Promise<void>((resolve) => ends.push(resolve));
    },
  };
  const [log, metrics] = [silentLogger(), createMetrics()];
  let now = 0;
  const requests = createRequests({
    tasks: createTaskRunner({ log, metrics }),
    tenants,
    schedule: () => schedule,
    now: () => now,
    runs: {
      requests: async () => [...pending.values()],
      removeRequest: async ({ job, tenant }) => void pending.delete(`${job} ${tenant}`),
      unfinished: async () => unfinished,
    },
  });
  return {
    requests,
    started,
    unfinished,
    pending,
    ask(job: string, tenant: string) {
      pending.set(`${job} ${tenant}`, { job, tenant: tenant as TenantId });
    },
    pass(ms: number) {
      now += ms;
    },
    async end() {
      for (const resolve of ends.splice(0)) resolve();
      await new Promise(setImmediate);
    },
  };
}

test('runs that were asked for begin, few of a tenant at once, and what no process knows is dropped', async () => {
  const { requests, started, ask, pending, end } = fixture();
  for (const job of ['one', 'two', 'three']) ask(job, 'a');
  ask('one', 'b');
  ask('unknown', 'a');
  ask('one', 'gone');
  await requests.take();
  await new Promise(setImmediate);
  assert.deepEqual(started, ['one a', 'two a', 'one b']);
  assert.deepEqual([...pending.keys()], ['three a']);
  await requests.take();
  assert.equal(started.length, 3);
  await end();
  await requests.take();
  await new Promise(setImmediate);
  assert.deepEqual(started.slice(3), ['three a']);
});

test('a run whose beat stands still is repeated, and one that beats is not', async () => {
  const { requests, started, unfinished, pass } = fixture();
  const of = (job: string, beat: number) => ({ job, tenant: 'a' as TenantId, owner: 'p1', beat });
  unfinished.push(of('dead', 3), of('alive', 3));
  await requests.takeOver();
  pass(DEAD_AFTER_MS - 1);
  unfinished[1] = of('alive', 4);
  await requests.takeOver();
  assert.deepEqual(started, []);
  pass(1);
  await requests.takeOver();
  await new Promise(setImmediate);
  assert.deepEqual(started, ['dead a instead of p1']);
});
