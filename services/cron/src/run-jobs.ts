import type { Background, Logger, Metrics, TenantDirectory } from '@im/kit';
import { sleep } from '@im/kit';
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
}

/** Processes that share a schedule start within this time of each other, so that one takes the lock. */
const JITTER_MS = 5_000;
const LOCK_MS = 10 * 60_000;

/**
 * Runs each job by its schedule. Of several processes one does the work, by a lock in Redis; with
 * Redis away all do, which costs time but no harm.
 * @returns what stops the schedule.
 */
export function scheduleJobs(jobs: readonly Job[], deps: ScheduleDeps): () => void {
  const { log, metrics, background, tenants, redis, instanceId } = deps;
  const runs = metrics.counter('im_cron_runs_total', 'Runs of a job by result', ['job', 'result']);
  const removed = metrics.counter('im_cron_removed_total', 'Things that a job removed', ['job']);

  async function mine(job: Job): Promise<boolean> {
    const slot = Math.floor(Date.now() / LOCK_MS);
    return redis.orElse(
      async (client) =>
        (await client.set(`im:cron:${job.name}:${slot}`, instanceId, 'PX', LOCK_MS, 'NX')) === 'OK',
      () => true,
    );
  }

  async function run(job: Job, signal: AbortSignal): Promise<void> {
    await sleep(Math.random() * JITTER_MS, signal);
    if (signal.aborted || !(await mine(job))) return;
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

  const timers = jobs.map(
    (job) =>
      new Cron(job.schedule, { timezone: 'UTC', unref: true }, () => {
        background.spawn(`cron-${job.name}`, (signal) => run(job, signal), { limit: 1 });
      }),
  );
  return () => {
    for (const timer of timers) timer.stop();
  };
}
