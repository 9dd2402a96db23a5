import { type CronJob, type CronRun, getCronJob, listCronJobs, runCronJob } from '@im/admin-api';
import { make, type third } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

function runOf(run: third.CronRun): CronRun {
  const { number, startTime, durationMs, outcome, done, error, report } = run;
  return { number, startTime, durationMs, outcome, done, error, report };
}

function jobOf(job: third.CronJob): CronJob {
  const { name, description, schedule, nextTime, announceTime, requested, running, last } = job;
  const { lastSuccessTime, failures } = job;
  return {
    ...{ name, description, schedule, nextTime, announceTime, requested, lastSuccessTime, failures },
    ...(running && { running: runOf(running) }),
    ...(last && { last: runOf(last) }),
  };
}

/** Scheduled jobs, as far as they are for a tenant. */
export const cronRoutes: readonly AdminRoute[] = [
  adminRoute(listCronJobs, 'third.getCronJobs', async ({ ctx, rpc }, { query: { limit, cursor } }) => {
    const { jobs } = await rpc.client('third').getCronJobs(ctx, make('third.GetCronJobsReq'));
    const after = fromOpaque(cursor);
    const rest = jobs.filter(({ name }) => name > after).sort((a, b) => (a.name < b.name ? -1 : 1));
    const page = rest.slice(0, limit);
    return {
      jobs: page.map(jobOf),
      ...opaque(rest.length > limit ? (page.at(-1)?.name ?? '') : ''),
    };
  }),
  adminRoute(getCronJob, 'third.getCronJobs', async ({ ctx, rpc }, { params }) => {
    const { jobs } = await rpc.client('third').getCronJobs(ctx, make('third.GetCronJobsReq', params));
    return { job: jobOf(jobs[0] ?? make('third.CronJob', params)) };
  }),
  adminRoute(runCronJob, 'third.runCronJob', async ({ ctx, rpc }, { params }) => {
    const { afterNumber } = await rpc.client('third').runCronJob(ctx, make('third.RunCronJobReq', params));
    return { afterNumber };
  }),
];
