import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TenantId, tenantSettings } from '@im/contract';
import { sleep, staticTenants } from '@im/kit';
import { createMetrics, createTaskRunner, silentLogger } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import type { CronRunRepo, FinishedRun, RunClaim } from '@im/store';
import { Cron } from 'croner';
import { createJobRunner } from './job-runner.ts';
import type { Job } from './jobs/job.ts';
import { type Schedule, type ScheduleDeps, scheduleJobs } from './run-jobs.ts';
import { nearestDue } from './schedule.ts';

const EVERY_SECOND = '* * * * * *';
const tenant = (id: string) => tenantSettings({ id, tokenSecret: 's', adminSecret: 's' });
const one = staticTenants([tenant('default')]);

type Runs = Pick<CronRunRepo, 'claim' | 'handled' | 'beat' | 'finish'>;

/** The runs of a cluster in memory, as services/lib/store/test/cron-run.test.ts proves them of the database. */
function runsInMemory() {
  const state = new Map<string, { number: number; owner: string; due?: number | undefined }>();
  const finished: (Omit<FinishedRun, 'started'> & Pick<RunClaim, 'job' | 'tenant'>)[] = [];
  const runs: Runs = {
    async claim({ job, tenant, owner, now, due }) {
      const key = `${job} ${tenant}`;
      const before = state.get(key) ?? { number: 0, owner: '', due: undefined };
      if (due !== undefined && before.due === due && before.owner === '') return 'handled';
      if (before.owner !== '') return 'running';
      const number = before.number + 1;
      state.set(key, { number, owner, due: due ?? before.due });
      return { job, tenant, number, owner, started: now };
    },
    async handled(job, due) {
      const keys = [...state].filter(([key, run]) => key.startsWith(`${job} `) && run.due === due);
      return new Set(keys.map(([key]) => key.split(' ')[1] as TenantId));
    },
    beat: async () => true,
    async finish({ job, tenant, number, owner }, run) {
      const key = `${job} ${tenant}`;
      const before = state.get(key);
      if (before?.number !== number || before.owner !== owner) return false;
      state.set(key, { ...before, owner: '' });
      finished.push({ job, tenant, number, ...run });
      return true;
    },
  };
  return { runs, finished };
}

interface Started extends AsyncDisposable {
  readonly schedule: Schedule;
  readonly metrics: ReturnType<typeof createMetrics>;
}

/** One process with a schedule. */
function start(
  jobs: readonly Job[],
  runs: Runs,
  options: Partial<ScheduleDeps> & { limitMs?: number; graceMs?: number } = {},
): Started {
  const [log, metrics] = [silentLogger(), createMetrics()];
  const tasks = createTaskRunner({ log, metrics });
  const { limitMs = 60_000, graceMs = 50, ...rest } = options;
  const runner = createJobRunner({ log, metrics, tasks, runs, limitMs: () => limitMs, graceMs, beatMs: 20 });
  const deps = { log, tasks, tenants: one, runs, runner, instanceId: 'i', jitterMs: 10, ...rest };
  const schedule = scheduleJobs(jobs, deps);
  return {
    schedule,
    metrics,
    async [Symbol.asyncDispose]() {
      schedule.stop();
      await tasks.stop();
    },
  };
}

const job = (run: Job['run'], schedule = EVERY_SECOND): Job => ({
  name: 'job',
  description: 'works',
  schedule,
  run,
});

test('of two processes one does the work of each due time', async () => {
  const { runs } = runsInMemory();
  const dues: number[] = [];
  const claim: Runs['claim'] = async (wish) => {
    const result = await runs.claim(wish);
    if (typeof result === 'object') dues.push(wish.due ?? 0);
    return result;
  };
  const work = job(async () => 0);
  const both = ['a', 'b'].map((instanceId) => start([work], { ...runs, claim }, { instanceId }));
  for (const end = performance.now() + 60_000; dues.length < 3 && performance.now() < end; ) await sleep(50);
  for (const process of both) await process[Symbol.asyncDispose]();
  assert.ok(dues.length >= 2, `${dues}`);
  assert.equal(new Set(dues).size, dues.length, 'a due time was handled twice');
});

test('processes whose clocks are minutes apart do daily work once a day, and each day', async () => {
  const { runs } = runsInMemory();
  let count = 0;
  const work = job(async () => ++count, '0 2 * * *');
  for (const day of [1, 2]) {
    const startedAt = performance.now();
    /** A clock that shows 02:00 after so many seconds of the test. */
    const twoAfter = (seconds: number) => () =>
      Date.UTC(2030, 0, day, 2) - seconds * 1_000 + (performance.now() - startedAt);
    const all = [0.2, 0.5, 0.8].map((seconds, i) =>
      start([work], runs, { now: twoAfter(seconds), instanceId: `${i}` }),
    );
    // One of them does it, and each of the others has had its time.
    for (const end = performance.now() + 60_000; count < day && performance.now() < end; ) await sleep(20);
    await sleep(Math.max(300, 1_200 - (performance.now() - startedAt)));
    for (const process of all) await process[Symbol.asyncDispose]();
    assert.equal(count, day);
  }
});

test('the due time nearest to a time', () => {
  const daily = new Cron('0 2 * * *', { timezone: 'UTC' });
  const due = (time: string) => new Date(nearestDue(daily, Date.parse(time))).toISOString();
  for (const time of [
    '2030-01-01T15:00:00Z',
    '2030-01-02T01:59:59Z',
    '2030-01-02T02:00:00Z',
    '2030-01-02T13:00:00Z',
  ])
    assert.equal(due(time), '2030-01-02T02:00:00.000Z', time);
});

test('a schedule that cannot be read is refused, and none runs', async () => {
  let count = 0;
  const { runs } = runsInMemory();
  const work = async () => ++count;
  assert.throws(() => start([job(work), job(work, '61 * * * *')], runs));
  await sleep(1_100);
  assert.equal(count, 0);
});

test('a tenant whose job fails or never ends does not keep it from the others', async () => {
  const { runs, finished } = runsInMemory();
  const ids = ['ill', 'stuck', ...'abcdefgh'];
  const done = Promise.withResolvers<void>();
  const ran = new Set<string>();
  const never = Promise.withResolvers<number>();
  const work = job(async ({ id }) => {
    if (id === 'ill') throw new Error('mongodb://10.0.0.1 is away');
    if (id === 'stuck') return never.promise;
    ran.add(id);
    if (ran.size === 8) done.resolve();
    return 3;
  });
  const process = start([work], runs, { tenants: staticTenants(ids.map(tenant)), limitMs: 50 });
  await done.promise;
  process.schedule.stop();
  await sleep(200);
  assert.equal(await runs.claim({ job: 'job', tenant: tenant('stuck').id, owner: 'b', now: 0 }), 'running');
  never.resolve(1);
  await process[Symbol.asyncDispose]();
  const outcome = (id: string) => finished.find((run) => run.tenant === id);
  assert.equal(outcome('ill')?.outcome, 'error');
  assert.equal(outcome('ill')?.error, 'failed unexpectedly; the log of cron has the reason');
  assert.equal(outcome('stuck')?.outcome, 'cut');
  assert.equal(outcome('a')?.done, 3);
  const text = await process.metrics.text();
  assert.match(text, /openim_cron_runs_total\{job="job",result="error"\} [1-9]/);
  assert.match(text, /openim_cron_runs_total\{job="job",result="cut"\} 1/);
  assert.match(text, /openim_cron_runs_total\{job="job",result="ok"\} [1-9]/);
  assert.match(text, /openim_cron_running\{job="job"\} 0/);
});

test('a run on request notes its progress, its report and the error that a tenant may see', async () => {
  const { runs, finished } = runsInMemory();
  const beats: number[] = [];
  const beat: Runs['beat'] = async (_claim, done) => beats.push(done) > 0;
  const [first, second] = [job(reports, '0 2 1 1 *'), { ...job(refuses, '0 2 1 1 *'), name: 'other' }];
  async function reports(...[, , notes]: Parameters<Job['run']>): Promise<number> {
    notes?.done(5);
    await sleep(60);
    notes?.report({ found: 2 });
    return 7;
  }
  async function refuses(): Promise<number> {
    throw new ImError(ERR.NetworkError, 'storage is away');
  }
  await using process = start([first, second], { ...runs, beat });
  const signal = AbortSignal.timeout(5_000);
  for (const name of ['job', 'other']) await process.schedule.run(name, tenant('default'), signal);
  assert.ok(beats.includes(5), `${beats}`);
  const [ok, failed] = finished;
  assert.deepEqual([ok?.outcome, ok?.done, ok?.report, ok?.error], ['ok', 7, '{"found":2}', '']);
  assert.equal(failed?.outcome, 'error');
  assert.match(failed?.error ?? '', /storage is away/);
});

test('a run that another process has taken over ends', async () => {
  const { runs } = runsInMemory();
  let aborted = false;
  const work = job(async (_tenant, signal) => {
    while (!signal.aborted) await sleep(5);
    aborted = true;
    return 0;
  }, '0 2 1 1 *');
  await using process = start([work], { ...runs, beat: async () => false });
  await process.schedule.run('job', tenant('default'), AbortSignal.timeout(60_000));
  assert.ok(aborted);
});
