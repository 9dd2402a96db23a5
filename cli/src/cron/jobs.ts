import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminClient, CronJob } from '@im/admin-api';
import type { Say } from '../admin/call.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Row } from '../output.ts';

/** Columns of {@link jobRow}. */
export const JOB_COLUMNS = [
  'job',
  'schedule',
  'last',
  'outcome',
  'took',
  'done',
  'failures',
  'next',
] as const;

const POLL_MS = 1_000;
/** Cron processes announce their jobs every 10 minutes. */
const SILENT_MS = 30 * 60_000;

/** The scheduled jobs of a tenant, or one of them. */
export async function cronJobs(admin: AdminClient, name?: string): Promise<readonly CronJob[]> {
  const { getCronJob, listCronJobs } = await import('@im/admin-api');
  if (name !== undefined) return [(await admin.call(getCronJob, { params: { name } })).job];
  const jobs: CronJob[] = [];
  for await (const page of admin.pages(listCronJobs, {})) jobs.push(...page.jobs);
  return jobs;
}

/**
 * Runs a job and waits for the end.
 * @throws CommandError `unreachable` when it has not ended in time; it goes on, then.
 */
export async function runJob(
  admin: AdminClient,
  name: string,
  { timeoutMs, reason, say }: { readonly timeoutMs: number; readonly reason: string; readonly say: Say },
): Promise<CronJob> {
  const deadline = performance.now() + timeoutMs;
  const { runCronJob } = await import('@im/admin-api');
  const { afterNumber } = await admin.call(runCronJob, { params: { name }, body: { reason } });
  let job: CronJob | undefined;
  say(() => progressOf(name, job, afterNumber));
  while (performance.now() < deadline) {
    [job] = await cronJobs(admin, name);
    if (job?.last && job.last.number > afterNumber) return job;
    await sleep(POLL_MS);
  }
  const silent = job && silentSince([job], Date.now());
  throw new CommandError(
    EXIT.unreachable,
    `${progressOf(name, job, afterNumber)} after ${Math.round(timeoutMs / 1_000)} s${silent ? `; ${silent}` : ''}; see: openimctl cron list ${name}`,
  );
}

/** How far a run is, in words. */
export function progressOf(name: string, job: CronJob | undefined, afterNumber: number): string {
  const running = job?.running;
  if (!running) return `${name} has not started`;
  const what = running.number > afterNumber ? 'runs' : 'is finishing an earlier run';
  return `${name} ${what}: ${running.done} done`;
}

/** A warning when no cron process works; undefined when one does. */
export function silentSince(jobs: readonly CronJob[], now: number): string | undefined {
  const last = jobs.reduce((latest, { announceTime }) => Math.max(latest, announceTime), 0);
  if (last !== 0 && now - last < SILENT_MS) return undefined;
  const since = last === 0 ? 'yet' : `since ${new Date(last).toISOString()}`;
  return `no cron process has reported ${since}: is the role cron running?`;
}

/** A job as a row for people. */
export function jobRow({ name, schedule, nextTime, running, requested, last, failures }: CronJob): Row {
  return {
    job: name,
    schedule,
    last: time((running ?? last)?.startTime),
    outcome: running ? 'running' : requested ? 'requested' : (last?.outcome ?? ''),
    took: running || !last ? '' : duration(last.durationMs),
    done: (running ?? last)?.done ?? '',
    failures: failures === 0 ? '' : failures,
    next: time(nextTime),
  };
}

function time(ms: number | undefined): string {
  return ms ? new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z') : '';
}

function duration(ms: number): string {
  return ms < 10_000 ? `${ms} ms` : `${Math.round(ms / 1_000)} s`;
}
