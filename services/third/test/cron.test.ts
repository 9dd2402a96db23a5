import assert from 'node:assert/strict';
import { test } from 'node:test';
import { make } from '@im/protocol';
import { cronRunRepo } from '@im/store';
import { as, describeDomain, refuses, TENANTS } from '@im/testing';
import { thirdService } from '../src/index.ts';

const [tenant, other] = TENANTS;
const domain = describeDomain(thirdService);
const admin = (of = tenant) => as(of, 'imAdmin', true);

const jobs = (name = '', ctx = admin()) =>
  domain.third.getCronJobs(ctx, make('third.GetCronJobsReq', { name }));
const run = (name: string, ctx = admin()) =>
  domain.third.runCronJob(ctx, make('third.RunCronJobReq', { name }));

test('administrators see the jobs with the runs of their tenant, and ask for a run', async () => {
  await refuses(1004, run('expire-tokens'));
  const runs = cronRunRepo(domain.store);
  const job = { name: 'expire-tokens', schedule: '7 4 * * *', description: 'removes tokens' };
  await runs.announce([job, { ...job, name: 'report-indexes', schedule: 'damaged' }], new Date());
  const first = await runs.claim({ job: job.name, tenant, owner: 'p1', now: 1_000 });
  assert.ok(typeof first === 'object');
  const report = '{"found":1}';
  await runs.finish(first, { ms: 20, outcome: 'ok', done: 3, error: '', report });
  assert.equal((await run(job.name)).afterNumber, 1);
  const [known, damaged] = (await jobs()).jobs;
  assert.ok(known && damaged);
  assert.deepEqual(
    [known.name, known.schedule, known.description, known.requested, known.failures, known.lastSuccessTime],
    [job.name, job.schedule, job.description, true, 0, 1_020],
  );
  assert.deepEqual(
    known.last,
    make('third.CronRun', { number: 1, startTime: 1_000, durationMs: 20, outcome: 'ok', done: 3, report }),
  );
  const next = new Date(known.nextTime);
  assert.deepEqual([next.getUTCHours(), next.getUTCMinutes(), next > new Date()], [4, 7, true]);
  assert.equal(damaged.nextTime, 0);

  const [elsewhere] = (await jobs(job.name, admin(other))).jobs;
  assert.deepEqual([elsewhere?.requested, elsewhere?.last], [false, null]);
  const second = await runs.claim({ job: job.name, tenant, owner: 'p1', now: 5_000 });
  assert.ok(typeof second === 'object');
  await runs.beat(second, 7);
  const [running] = (await jobs(job.name)).jobs;
  assert.deepEqual(running?.running, make('third.CronRun', { number: 2, startTime: 5_000, done: 7 }));

  await refuses(1002, jobs('', as(tenant, 'a')));
  await refuses(1002, run(job.name, as(tenant, 'a')));
  await refuses(1004, jobs('none'));
});
