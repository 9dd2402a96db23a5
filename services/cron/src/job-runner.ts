import type { TenantSettings } from '@im/contract';
import { type Metrics, NO_TRACING, type Tracing, withinSpan } from '@im/kit';
import { acceptLoss, type Logger, type TaskRunner } from '@im/process';
import { ImError } from '@im/protocol';
import type { CronRunRepo, RunClaim, RunOutcome } from '@im/store';
import type { Job } from './jobs/job.ts';

export interface JobRunnerDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tasks: TaskRunner;
  readonly runs: Pick<CronRunRepo, 'beat' | 'finish'>;
  /** Longest run for one tenant, ms, as it is now. */
  readonly limitMs: () => number;
  /** @default 5 s */
  readonly beatMs?: number;
  /** Time in which a job ends after its signal, ms. @default 10 s */
  readonly graceMs?: number;
  /** @default off */
  readonly tracing?: Tracing;
}

/** Runs jobs that were claimed. */
export interface JobRunner {
  /**
   * Runs a job for a tenant, and notes the outcome. Resolves when it has ended, or does not end although its time is
   * over: then it goes on in the background, and no other run of it begins. Never rejects.
   */
  run(job: Job, tenant: TenantSettings, claim: RunClaim, signal: AbortSignal): Promise<void>;
}

/** Buckets of durations, 10 ms to an hour. */
const SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 600, 1_800, 3_600];
const BEAT_MS = 5_000;
const GRACE_MS = 10_000;
/** Runs that do not end; of more, the process waits for the end. */
const MAX_LATE = 1_000;
/** Longest error and report that are kept. */
const MAX_ERROR_CHARACTERS = 500;
const MAX_REPORT_CHARACTERS = 64_000;

export function createJobRunner(deps: JobRunnerDeps): JobRunner {
  const {
    log,
    metrics,
    tasks,
    runs,
    limitMs,
    beatMs = BEAT_MS,
    graceMs = GRACE_MS,
    tracing = NO_TRACING,
  } = deps;
  const counted = metrics.counter('openim_cron_runs_total', 'Runs of a job by result', ['job', 'result']);
  const removed = metrics.counter(
    'openim_cron_removed_total',
    'Things that a job removed, changed or counted',
    ['job'],
  );
  const running = metrics.gauge('openim_cron_running', 'Runs of a job under way', ['job']);
  const seconds = metrics.histogram(
    'openim_cron_run_seconds',
    'Duration of a run for one tenant',
    ['job'],
    SECONDS,
  );

  async function execute(
    job: Job,
    tenant: TenantSettings,
    claim: RunClaim,
    signal: AbortSignal,
  ): Promise<void> {
    const startedAt = performance.now();
    const labels = { job: job.name };
    const fields = { job: job.name, tenant: tenant.id };
    let done = 0;
    const lost = new AbortController();
    const beat = setInterval(() => {
      runs.beat(claim, done).then(
        (alive) => {
          if (!alive) lost.abort(new Error('another process has taken the run over'));
        },
        (error: unknown) => log.debug({ ...fields, err: error }, 'run of a job not renewed'),
      );
    }, beatMs);
    running.inc(labels);
    const span = tracing.tracer?.begin(tenant.id, `job ${job.name}`);
    let outcome: RunOutcome = 'ok';
    let failure: unknown;
    let report = '';
    const bounded = AbortSignal.any([signal, lost.signal]);
    const run = () =>
      job.run(tenant, bounded, {
        done(count) {
          done = count;
        },
        report(found) {
          report = reportText(found);
        },
      });
    try {
      done = await (span ? withinSpan(span, run) : run());
      if (bounded.aborted) outcome = 'cut';
    } catch (error) {
      outcome = bounded.aborted ? 'cut' : 'error';
      failure = error;
    } finally {
      clearInterval(beat);
      running.dec(labels);
    }
    span?.set({ 'openim.job_done': done, 'openim.job_outcome': outcome });
    span?.end(outcome === 'error' ? failure : undefined);
    const ms = Math.round(performance.now() - startedAt);
    seconds.observe(labels, ms / 1_000);
    removed.inc(labels, done);
    counted.inc({ ...labels, result: outcome });
    if (outcome === 'error')
      log.error(
        { ...fields, ...(span && { trace_id: span.traceID, span_id: span.spanID }), err: failure },
        'job failed; the next run takes it up again',
      );
    else if (done > 0 || outcome === 'cut') log.info({ ...fields, removed: done, ms, outcome }, 'job done');
    const error = outcome === 'error' ? shownError(failure) : '';
    try {
      await runs.finish(claim, { ms, outcome, done, error, report });
    } catch (problem) {
      // Other processes see that it no longer beats.
      log.warn({ ...fields, err: problem }, 'outcome of a job not noted');
    }
  }

  return {
    async run(job, tenant, claim, signal) {
      const over = new AbortController();
      const limit = limitMs();
      const timer = setTimeout(() => over.abort(new Error('the time of the run is over')), limit);
      const released = Promise.withResolvers<'late'>();
      const grace = setTimeout(() => released.resolve('late'), limit + graceMs);
      const work = execute(job, tenant, claim, AbortSignal.any([signal, over.signal])).finally(() => {
        clearTimeout(timer);
        clearTimeout(grace);
      });
      if ((await Promise.race([work, released.promise])) !== 'late') return;
      log.warn({ job: job.name, tenant: tenant.id }, 'job does not end although its time is over');
      tasks.spawn('cron-late', () => work, { limit: MAX_LATE, onRefused: acceptLoss });
    },
  };
}

/** @throws RangeError for a report that is too long: jobs bound what they report. */
function reportText(found: object): string {
  const text = JSON.stringify(found);
  if (text.length > MAX_REPORT_CHARACTERS) throw new RangeError('the report of the job is too long');
  return text;
}

/** The reason as administrators of the tenant may see it: what is of the cluster is in its log alone. */
function shownError(error: unknown): string {
  if (error instanceof ImError) return error.message.slice(0, MAX_ERROR_CHARACTERS);
  return 'failed unexpectedly; the log of cron has the reason';
}
