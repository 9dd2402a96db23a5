import { type Metrics, sleep, type TenantDirectory } from '@im/kit';
import { acceptLoss, type Logger, type TaskRunner } from '@im/process';
import type { Store } from '@im/store';
import { Cron } from 'croner';
import type { Job } from './jobs/job.ts';

export interface ScheduleDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tasks: TaskRunner;
  readonly tenants: TenantDirectory;
  readonly redis: Store['redis'];
  readonly instanceId: string;
  /** Longest wait before a run; for tests. */
  readonly jitterMs?: number;
  /** Clock of this process, ms; for tests. */
  readonly now?: () => number;
}

/** Processes that share a schedule start within this time of each other, so that one takes the lock. */
const JITTER_MS = 5_000;
/** How long it is known who does the work of a due time; clocks of processes that differ by more do it twice. */
const MIN_LOCK_MS = 10 * 60_000;
const MAX_LOCK_MS = 7 * 86_400_000;
/** Longest single timer; also bounds what a clock that is set back costs. */
const MAX_TIMER_MS = 3_600_000;

/**
 * Runs each job by its schedule. Of several processes one does the work of each due time, by a lock in Redis that is
 * named by the due time nearest to the time in Redis: the processes' own clocks only wake them. With Redis away all
 * do the work, which costs time but no harm.
 * @returns what stops the schedule.
 * @throws when a schedule cannot be read; then none runs.
 */
export function scheduleJobs(jobs: readonly Job[], deps: ScheduleDeps): () => void {
  const { log, metrics, tasks, tenants, redis, instanceId, jitterMs = JITTER_MS, now = Date.now } = deps;
  const runs = metrics.counter('openim_cron_runs_total', 'Runs of a job by result', ['job', 'result']);
  const removed = metrics.counter('openim_cron_removed_total', 'Things that a job removed', ['job']);

  async function mine(job: Job, pattern: Cron): Promise<boolean> {
    return redis.orElse(
      async (client) => {
        const [seconds, micros] = await client.time();
        const due = nearestDue(pattern, Number(seconds) * 1_000 + Number(micros) / 1_000);
        const lockMs = Math.min(MAX_LOCK_MS, Math.max(MIN_LOCK_MS, 2 * due.periodMs));
        const key = `im:cron:${job.name}:due:${due.atMs}`;
        return (await client.set(key, instanceId, 'PX', lockMs, 'NX')) === 'OK';
      },
      () => true,
    );
  }

  async function run(job: Job, pattern: Cron, signal: AbortSignal): Promise<void> {
    await sleep(Math.random() * jitterMs, signal);
    if (signal.aborted || !(await mine(job, pattern))) return;
    for (const tenant of tenants.list()) {
      if (signal.aborted) return;
      try {
        const count = await job.run(tenant, signal);
        removed.inc({ job: job.name }, count);
        runs.inc({ job: job.name, result: 'ok' });
        if (count > 0) log.info({ job: job.name, tenant: tenant.id, removed: count }, 'job done');
      } catch (error) {
        runs.inc({ job: job.name, result: 'error' });
        log.error(
          { job: job.name, tenant: tenant.id, err: error },
          'job failed; the next run takes it up again',
        );
      }
    }
  }

  const patterns = jobs.map((job) => ({ job, pattern: new Cron(job.schedule, { timezone: 'UTC' }) }));
  const ends = patterns.map(({ job, pattern }) =>
    atEach(pattern, now, () => {
      tasks.spawn(`cron-${job.name}`, (signal) => run(job, pattern, signal), {
        limit: 1,
        // The run before is still at it.
        onRefused: acceptLoss,
      });
    }),
  );
  return () => {
    for (const end of ends) end();
  };
}

/** Calls at each due time by a clock. @returns what ends it. */
function atEach(pattern: Cron, now: () => number, onDue: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (due: Date | null) => {
    if (!due) return;
    const left = due.getTime() - now();
    timer = setTimeout(
      () => {
        if (left > MAX_TIMER_MS) return wait(pattern.nextRun(new Date(now())));
        onDue();
        // From the due time on, which a timer that is early has not reached yet.
        wait(pattern.nextRun(new Date(Math.max(now(), due.getTime()))));
      },
      Math.max(0, Math.min(left, MAX_TIMER_MS)),
    );
    timer.unref();
  };
  wait(pattern.nextRun(new Date(now())));
  return () => clearTimeout(timer);
}

/** The due time of a schedule that is nearest to a time, which a process whose clock is fast has not reached yet. */
export function nearestDue(
  pattern: Pick<Cron, 'nextRun' | 'previousRuns'>,
  atMs: number,
): { readonly atMs: number; readonly periodMs: number } {
  // A second later, since the due time itself would not be one before.
  const last = pattern.previousRuns(1, new Date(atMs + 1_000))[0]?.getTime();
  const next = pattern.nextRun(new Date(Math.max(atMs, last ?? 0)))?.getTime();
  if (last === undefined || next === undefined) return { atMs: last ?? next ?? 0, periodMs: MAX_LOCK_MS };
  return { atMs: atMs - last < next - atMs ? last : next, periodMs: next - last };
}
