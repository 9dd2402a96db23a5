import type { TenantSettings } from '@im/contract';
import { eachLimited, retry, sleep, type TenantDirectory } from '@im/kit';
import { acceptLoss, type Logger, type TaskRunner } from '@im/process';
import type { CronRunRepo, LiveRun } from '@im/store';
import { Cron } from 'croner';
import type { JobRunner } from './job-runner.ts';
import type { Job } from './jobs/job.ts';
import { atEach, nearestDue } from './schedule.ts';

export interface ScheduleDeps {
  readonly log: Logger;
  readonly tasks: TaskRunner;
  readonly tenants: TenantDirectory;
  readonly runs: Pick<CronRunRepo, 'claim' | 'handled'>;
  readonly runner: JobRunner;
  readonly instanceId: string;
  /** Longest wait before a run; for tests. */
  readonly jitterMs?: number;
  /** Clock of this process, ms; for tests. */
  readonly now?: () => number;
}

/** Jobs by the clock, and on request. */
export interface Schedule {
  /**
   * Runs a job for a tenant now, unless a run of it is under way; what was due is not touched. Resolves when it has ended.
   * @param dead a run that was seen to be dead, which is replaced.
   * @param onClaimed called when the run begins.
   */
  run(
    job: string,
    tenant: TenantSettings,
    signal: AbortSignal,
    options?: { readonly dead?: LiveRun; readonly onClaimed?: () => Promise<void> },
  ): Promise<void>;
  has(job: string): boolean;
  stop(): void;
}

/** Processes that share a schedule start within this time of each other. */
const JITTER_MS = 5_000;
/** Tenants of one job at once: so many that are slow delay no other. */
const TENANTS_AT_ONCE = 4;
/** For so long a due time waits for the database. */
const MAX_WAIT_MS = 15 * 60_000;

/**
 * Runs each job by its schedule, for each tenant by itself. Of several processes one runs a job for a tenant at each
 * due time, and never two at once: each run is claimed in the database, by the due time nearest to the clock of the
 * process, so that clocks that differ by minutes name the same.
 * @throws when a schedule cannot be read; then none runs.
 */
export function scheduleJobs(jobs: readonly Job[], deps: ScheduleDeps): Schedule {
  const { log, tasks, tenants, runs, runner, instanceId, jitterMs = JITTER_MS, now = Date.now } = deps;
  const byName = new Map(jobs.map((job) => [job.name, job]));

  async function attempt(
    job: Job,
    tenant: TenantSettings,
    signal: AbortSignal,
    { due, dead, onClaimed }: { due?: number; dead?: LiveRun; onClaimed?: () => Promise<void> },
  ): Promise<void> {
    try {
      const claim = await runs.claim({
        job: job.name,
        tenant: tenant.id,
        owner: instanceId,
        now: now(),
        due,
        dead,
      });
      if (typeof claim === 'string') return;
      await onClaimed?.();
      await runner.run(job, tenant, claim, signal);
    } catch (error) {
      log.error(
        { job: job.name, tenant: tenant.id, err: error },
        'job not run; the database refuses its claim',
      );
    }
  }

  async function pass(job: Job, pattern: Cron, signal: AbortSignal): Promise<void> {
    await sleep(Math.random() * jitterMs, signal);
    const due = nearestDue(pattern, now());
    const handled = await retry(() => runs.handled(job.name, due), {
      baseMs: 1_000,
      maxMs: 30_000,
      deadline: Date.now() + MAX_WAIT_MS,
      signal,
    });
    const left = tenants.list().filter(({ id }) => !handled.has(id));
    await eachLimited(left, TENANTS_AT_ONCE, async (tenant) => {
      if (!signal.aborted) await attempt(job, tenant, signal, { due });
    });
  }

  const patterns = jobs.map((job) => ({ job, pattern: new Cron(job.schedule, { timezone: 'UTC' }) }));
  const ends = patterns.map(({ job, pattern }) =>
    atEach(pattern, now, () => {
      tasks.spawn(`cron-${job.name}`, (signal) => pass(job, pattern, signal), {
        limit: 1,
        // The pass before is still at it.
        onRefused: acceptLoss,
      });
    }),
  );
  return {
    async run(name, tenant, signal, options = {}) {
      const job = byName.get(name);
      if (job) await attempt(job, tenant, signal, options);
    },
    has: (name) => byName.has(name),
    stop() {
      for (const end of ends) end();
    },
  };
}
