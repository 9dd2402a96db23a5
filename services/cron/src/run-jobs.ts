import type { Background, Logger, Metrics, TenantDirectory } from '@im/kit';
import { acceptLoss, sleep } from '@im/kit';
import type { Store } from '@im/store';
import { Cron } from 'croner';
import type { Job } from './jobs/job.ts';

/** Parts of {@link scheduleJobs}. */
export interface ScheduleDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly background: Background;
  readonly tenants: TenantDirectory;
  readonly redis: Store['redis'];
  readonly instanceId: string;
  /** Longest wait before a run; for tests. */
  readonly jitterMs?: number;
}

/** Processes that share a schedule start within this time of each other, so that one takes the lock. */
const JITTER_MS = 5_000;
/** Clocks of processes that share a schedule may differ by half of this. */
const SLOT_MS = 60_000;
const LOCK_MS = 10 * SLOT_MS;

/**
 * Runs each job by its schedule, at most once a minute. Of several processes one does the work, by a
 * lock in Redis; with Redis away all do, which costs time but no harm.
 * @returns what stops the schedule.
 * @throws when a schedule cannot be read; then none runs.
 */
export function scheduleJobs(jobs: readonly Job[], deps: ScheduleDeps): () => void {
  const { log, metrics, background, tenants, redis, instanceId, jitterMs = JITTER_MS } = deps;
  const runs = metrics.counter('im_cron_runs_total', 'Runs of a job by result', ['job', 'result']);
  const removed = metrics.counter('im_cron_removed_total', 'Things that a job removed', ['job']);

  async function mine(job: Job, dueMs: number): Promise<boolean> {
    const slot = Math.round(dueMs / SLOT_MS);
    return redis.orElse(
      async (client) =>
        (await client.set(`im:cron:${job.name}:${slot}`, instanceId, 'PX', LOCK_MS, 'NX')) === 'OK',
      () => true,
    );
  }

  async function run(job: Job, signal: AbortSignal): Promise<void> {
    const dueMs = Date.now();
    await sleep(Math.random() * jitterMs, signal);
    if (signal.aborted || !(await mine(job, dueMs))) return;
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

  const timers: Cron[] = [];
  const stop = () => {
    for (const timer of timers) timer.stop();
  };
  try {
    for (const job of jobs) {
      const begin = () => {
        background.spawn(`cron-${job.name}`, (signal) => run(job, signal), {
          limit: 1,
          // The run before is still at it.
          onRefused: acceptLoss,
        });
      };
      timers.push(new Cron(job.schedule, { timezone: 'UTC', unref: true }, begin));
    }
  } catch (error) {
    stop();
    throw error;
  }
  return stop;
}
