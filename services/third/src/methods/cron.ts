import { nextDue } from '@im/contract';
import { requireAdmin } from '@im/kit';
import { ERR, ImError, make, type third } from '@im/protocol';
import type { FinishedRun, JobState } from '@im/store';
import type { ThirdDeps, ThirdMethods } from '../deps.ts';

/** What administrators see of the scheduled work for their tenant. The role cron does it. */
export function cronMethods({ cronRuns }: ThirdDeps): ThirdMethods<'getCronJobs' | 'runCronJob'> {
  return {
    async getCronJobs(ctx, { name }) {
      requireAdmin(ctx);
      const now = Date.now();
      const jobs = await cronRuns.jobs(ctx.tenant);
      const wanted = name === '' ? jobs : [jobNamed(jobs, name)];
      return make('third.GetCronJobsResp', { jobs: wanted.map((job) => entryOf(job, now)) });
    },
    async runCronJob(ctx, { name }) {
      requireAdmin(ctx);
      const job = jobNamed(await cronRuns.jobs(ctx.tenant), name);
      await cronRuns.request({ job: name, tenant: ctx.tenant }, new Date());
      return make('third.RunCronJobResp', { afterNumber: job.number });
    },
  };
}

function jobNamed(jobs: readonly JobState[], name: string): JobState {
  const job = jobs.find((one) => one.name === name);
  if (job) return job;
  const known =
    jobs.length === 0
      ? 'no cron process has announced any'
      : `there are ${jobs.map((one) => one.name).join(', ')}`;
  throw new ImError(ERR.RecordNotFoundError, `there is no such job; ${known}`);
}

function entryOf(job: JobState, now: number): third.CronJob {
  const {
    name,
    description,
    schedule,
    announced,
    requested,
    number,
    running,
    last,
    lastOk = 0,
    failures,
  } = job;
  return make('third.CronJob', {
    ...{ name, description, schedule, requested, failures },
    nextTime: nextDue(schedule, now) ?? 0,
    announceTime: announced,
    running: running
      ? make('third.CronRun', { number, startTime: running.started, done: running.done })
      : null,
    last: last ? runOf(last) : null,
    lastSuccessTime: lastOk,
  });
}

function runOf({ number, started, ms, outcome, done, error, report }: FinishedRun): third.CronRun {
  return make('third.CronRun', {
    ...{ number, startTime: started, durationMs: ms, outcome, done, error, report },
  });
}
