import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBackground, createMetrics, silentLogger, sleep, staticTenants, tenantSettings } from '@im/kit';
import type { RedisCopies } from '@im/store';
import type { Job } from './jobs/job.ts';
import { scheduleJobs } from './run-jobs.ts';

const EVERY_SECOND = '* * * * * *';
const tenants = staticTenants([tenantSettings({ id: 'default', tokenSecret: 's', adminSecret: 's' })]);

/** Redis, of which only the lock is used; or none. */
function redis(present: boolean): RedisCopies {
  const keys = new Set<string>();
  const client = {
    set: async (key: string) => {
      if (keys.has(key)) return null;
      keys.add(key);
      return 'OK';
    },
  };
  return {
    orElse: async (use: (from: unknown) => unknown, otherwise: () => unknown) =>
      present ? use(client) : otherwise(),
  } as unknown as RedisCopies;
}

/** How often a job runs that two processes schedule for every second, while two seconds pass. */
async function runsOfTwo(copies: RedisCopies): Promise<number> {
  let runs = 0;
  const job: Job = {
    name: 'job',
    schedule: EVERY_SECOND,
    run: async () => {
      runs++;
      return 0;
    },
  };
  const [log, metrics] = [silentLogger(), createMetrics()];
  const ends = ['one', 'two'].map((instanceId) => {
    const background = createBackground({ log, metrics });
    const stop = scheduleJobs([job], {
      log,
      metrics,
      background,
      tenants,
      redis: copies,
      instanceId,
      jitterMs: 10,
    });
    return async () => {
      stop();
      await background.stop();
    };
  });
  await sleep(2_100);
  for (const end of ends) await end();
  return runs;
}

test('of two processes one does the work of a minute', async () => {
  const runs = await runsOfTwo(redis(true));
  assert.ok(runs === 1 || runs === 2, `${runs} runs; two when the slot changed meanwhile`);
});

test('without Redis each does it, as often as it is due', async () => {
  assert.ok((await runsOfTwo(redis(false))) >= 3);
});

test('a schedule that cannot be read is refused, and none runs', async () => {
  let runs = 0;
  const job = (schedule: string): Job => ({ name: schedule, schedule, run: async () => ++runs });
  const [log, metrics] = [silentLogger(), createMetrics()];
  const background = createBackground({ log, metrics });
  const deps = { log, metrics, background, tenants, redis: redis(true), instanceId: 'i', jitterMs: 0 };
  assert.throws(() => scheduleJobs([job(EVERY_SECOND), job('61 * * * *')], deps));
  await sleep(1_100);
  await background.stop();
  assert.equal(runs, 0);
});

test('a tenant whose job fails does not keep it from the tenants after it', async () => {
  const secrets = { tokenSecret: 's', adminSecret: 's' };
  const both = staticTenants([
    tenantSettings({ id: 'ill', ...secrets }),
    tenantSettings({ id: 'well', ...secrets }),
  ]);
  const done = Promise.withResolvers<void>();
  const job: Job = {
    name: 'job',
    schedule: EVERY_SECOND,
    run: async ({ id }) => {
      if (id === 'ill') throw new Error('its store is away');
      done.resolve();
      return 3;
    },
  };
  const [log, metrics] = [silentLogger(), createMetrics()];
  const background = createBackground({ log, metrics });
  const deps = { log, metrics, background, tenants: both, redis: redis(true), instanceId: 'i', jitterMs: 0 };
  const stop = scheduleJobs([job], deps);
  await done.promise;
  stop();
  await background.stop();
  const text = await metrics.text();
  assert.match(text, /im_cron_runs_total\{job="job",result="error"\} 1/);
  assert.match(text, /im_cron_runs_total\{job="job",result="ok"\} 1/);
});
