import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantSettings } from '@im/contract';
import { sleep, staticTenants } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import type { RedisCopies } from '@im/store';
import { Cron } from 'croner';
import type { Job } from './jobs/job.ts';
import { nearestDue, scheduleJobs } from './run-jobs.ts';

const EVERY_SECOND = '* * * * * *';
const tenants = staticTenants([tenantSettings({ id: 'default', tokenSecret: 's', adminSecret: 's' })]);

/** Redis, of which only the lock and the clock are used; or none. */
function redis(present: boolean, clock = Date.now): RedisCopies {
  const keys = new Map<string, number>();
  const client = {
    time: async () => [Math.floor(clock() / 1_000), (clock() % 1_000) * 1_000],
    set: async (key: string, _value: string, _px: 'PX', lifeMs: number) => {
      if ((keys.get(key) ?? 0) > clock()) return null;
      keys.set(key, clock() + lifeMs);
      return 'OK';
    },
  };
  return {
    orElse: async (use: (from: unknown) => unknown, otherwise: () => unknown) =>
      present ? use(client) : otherwise(),
  } as unknown as RedisCopies;
}

/** How often a job runs that processes with these clocks schedule, while some seconds pass. */
async function runsOf(
  clocks: readonly (() => number)[],
  copies: RedisCopies,
  schedule = EVERY_SECOND,
  seconds = 2.1,
): Promise<number> {
  let runs = 0;
  const job: Job = {
    name: 'job',
    schedule,
    run: async () => {
      runs++;
      return 0;
    },
  };
  const [log, metrics] = [silentLogger(), createMetrics()];
  const ends = clocks.map((now, i) => {
    const tasks = createTaskRunner({ log, metrics });
    const own = { log, metrics, tasks, tenants, redis: copies, instanceId: `${i}`, jitterMs: 10, now };
    const stop = scheduleJobs([job], own);
    return async () => {
      stop();
      await tasks.stop();
    };
  });
  await sleep(seconds * 1_000);
  for (const end of ends) await end();
  return runs;
}

test('of two processes one does the work of a due time', async () => {
  // By Redis one time stands still: all of it is one due time.
  const [at] = [Date.UTC(2030, 0, 1)];
  assert.equal(
    await runsOf(
      [Date.now, Date.now],
      redis(true, () => at),
    ),
    1,
  );
});

test('processes whose clocks are minutes apart do daily work once a day, and each day', async () => {
  const begun = performance.now();
  /** A clock that shows 02:00 after so many seconds of the test. */
  const twoAfter = (seconds: number, day: number) => () =>
    Date.UTC(2030, 0, day, 2) - seconds * 1_000 + (performance.now() - begun);
  let day = 1;
  let truth = 0;
  const copies = redis(true, () => Date.UTC(2030, 0, day, 2) + truth);
  const minutes = (n: number) => n * 60_000;
  const clocks = (of: number) => [0.5, 1, 1.5].map((seconds) => twoAfter(seconds, of));
  // The first is ten minutes fast, the second right, the third ten minutes slow.
  truth = -minutes(10);
  const end = [0.8, 1.3].map((seconds, i) =>
    setTimeout(() => {
      truth = i === 0 ? 0 : minutes(10);
    }, seconds * 1_000),
  );
  assert.equal(await runsOf(clocks(day), copies, '0 2 * * *'), 1);
  for (const timer of end) clearTimeout(timer);
  day = 2;
  truth = minutes(10);
  const late = performance.now() - begun;
  const next = () => Date.UTC(2030, 0, 2, 2) - 500 + (performance.now() - begun - late);
  assert.equal(await runsOf([next], copies, '0 2 * * *', 1.2), 1, 'one that is slow and alone');
});

test('the due time nearest to a time', () => {
  const daily = new Cron('0 2 * * *', { timezone: 'UTC' });
  const due = (time: string) => new Date(nearestDue(daily, Date.parse(time)).atMs).toISOString();
  for (const time of [
    '2030-01-01T15:00:00Z',
    '2030-01-02T01:59:59Z',
    '2030-01-02T02:00:00Z',
    '2030-01-02T13:00:00Z',
  ])
    assert.equal(due(time), '2030-01-02T02:00:00.000Z', time);
});

test('without Redis each does it, as often as it is due', async () => {
  assert.ok((await runsOf([Date.now, Date.now], redis(false))) >= 3);
});

test('a schedule that cannot be read is refused, and none runs', async () => {
  let runs = 0;
  const job = (schedule: string): Job => ({ name: schedule, schedule, run: async () => ++runs });
  const [log, metrics] = [silentLogger(), createMetrics()];
  const tasks = createTaskRunner({ log, metrics });
  const deps = { log, metrics, tasks, tenants, redis: redis(true), instanceId: 'i', jitterMs: 0 };
  assert.throws(() => scheduleJobs([job(EVERY_SECOND), job('61 * * * *')], deps));
  await sleep(1_100);
  await tasks.stop();
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
  const tasks = createTaskRunner({ log, metrics });
  const deps = { log, metrics, tasks, tenants: both, redis: redis(true), instanceId: 'i', jitterMs: 0 };
  const stop = scheduleJobs([job], deps);
  await done.promise;
  stop();
  await tasks.stop();
  const text = await metrics.text();
  assert.match(text, /openim_cron_runs_total\{job="job",result="error"\} 1/);
  assert.match(text, /openim_cron_runs_total\{job="job",result="ok"\} 1/);
});
