import { z } from 'zod';
import { nextCursor, page, reason, time } from '../fields.ts';
import { operation } from '../operation.ts';

/** A run of a scheduled job for the tenant. */
export const CronRun = z
  .object({
    number: z.int().meta({ description: 'Counts the runs of the job for the tenant.' }),
    startTime: time,
    durationMs: z.int(),
    outcome: z.string().meta({
      description:
        '`ok`, `error`, or `cut`: its time was over, and the next run goes on. Empty while it runs.',
    }),
    done: z.int().meta({ description: 'Entries that it removed or changed.' }),
    error: z.string().meta({ description: 'Why it failed.' }),
    report: z.string().meta({ description: 'What it found, as JSON; empty for most jobs.' }),
  })
  .meta({ id: 'CronRun' });
/** A run of a scheduled job for the tenant. */
export type CronRun = z.output<typeof CronRun>;

/** A scheduled job. */
export const CronJob = z
  .object({
    name: z.string(),
    description: z.string(),
    schedule: z.string().meta({ description: 'Cron expression, UTC.' }),
    nextTime: time.meta({ description: 'ms; 0 when it is never due.' }),
    announceTime: time.meta({ description: 'When a cron process last said that it runs the job, ms.' }),
    requested: z.boolean().meta({ description: 'A run was asked for, and has not started.' }),
    running: CronRun.optional(),
    last: CronRun.optional(),
    lastSuccessTime: time.meta({ description: 'End of the last run that succeeded, ms; 0 for none.' }),
    failures: z.int().meta({ description: 'Runs in a row that failed.' }),
  })
  .meta({ id: 'CronJob' });
/** A scheduled job. */
export type CronJob = z.output<typeof CronJob>;

const job = z.strictObject({ name: z.string().min(1).max(64) });

/** Scheduled jobs. */
export const listCronJobs = operation({
  id: 'listCronJobs',
  method: 'GET',
  path: '/cron/jobs',
  access: 'read',
  tag: 'cron',
  summary: 'List scheduled jobs by name, with their last run for the tenant and the next one.',
  query: z.strictObject(page()),
  answer: z.object({ jobs: z.array(CronJob), nextCursor }),
  perSecond: 20,
  console: { role: 'viewer' },
});

/** A job with its last run and the next one. */
export const getCronJob = operation({
  id: 'getCronJob',
  method: 'GET',
  path: '/cron/jobs/{name}',
  access: 'read',
  tag: 'cron',
  summary: 'Get a scheduled job.',
  params: job,
  answer: z.object({ job: CronJob }),
  console: { role: 'viewer' },
});

/** Asks for a run of a job, as soon as a process of cron takes it. */
export const runCronJob = operation({
  id: 'runCronJob',
  method: 'POST',
  path: '/cron/jobs/{name}/run',
  access: 'write',
  tag: 'cron',
  summary: 'Run a scheduled job for the tenant now, after a run that is under way.',
  params: job,
  body: z.strictObject({ reason }),
  answer: z.object({
    afterNumber: z.int().meta({ description: 'The run that was asked for has a higher number.' }),
  }),
  audit: { act: 'cron.run', kind: 'cronJob', param: 'name' },
  perSecond: 10,
});
