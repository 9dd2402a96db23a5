import { calendarOf, type Metrics } from '@im/kit';
import {
  type AccountStatistics,
  type CronRunRepo,
  type MessageCounter,
  type ObjectUploadRepo,
  STATISTICS_JOB,
  type StatDayRepo,
  type StatRetention,
} from '@im/store';
import type { Job } from './job.ts';

export interface StatisticsDeps {
  readonly messages: MessageCounter;
  readonly accounts: AccountStatistics;
  readonly days: Pick<StatDayRepo, 'set'>;
  readonly retention: StatRetention;
  readonly uploads: Pick<ObjectUploadRepo, 'usage'>;
  readonly runs: Pick<CronRunRepo, 'request'>;
  readonly metrics: Metrics;
  /** Time that decides about days, ms. @default Date.now */
  readonly now?: () => number;
  /** Longest count of messages in one run, ms; the next run goes on. @default 45000 */
  readonly runMs?: number;
  /** Most messages looked at in one run. @default 1000000 */
  readonly maxMessages?: number;
}

/** So long may a run take, so that a tenant with much to count delays others little. */
const RUN_MS = 45_000;
const MAX_MESSAGES = 1_000_000;
/** Daily figures are a hundred bytes each. */
const SERIES_DAYS = 3_660;

/** Counts what a tenant did into its daily figures, each message once. */
export function countStatistics(
  { schedule, days: keptDays }: { readonly schedule: string; readonly days: number },
  deps: StatisticsDeps,
): Job {
  const { messages, accounts, days, retention, uploads, runs, metrics, now = Date.now } = deps;
  const { runMs = RUN_MS, maxMessages = MAX_MESSAGES } = deps;
  const counted = metrics.counter('openim_cron_statistics_messages_total', 'Messages counted for statistics');
  const left = metrics.counter(
    'openim_cron_statistics_unfinished_total',
    'Runs of the count of statistics that left messages to the next one',
  );
  return {
    name: STATISTICS_JOB,
    description: 'counts messages, accounts, groups and storage of each day',
    schedule,
    async run({ id, statistics }, signal, notes) {
      const today = calendarOf(statistics.timeZone).dayOf(now());
      const earliest = today - keptDays + 1;
      await accounts.count(id, now(), earliest);
      const { bytes, objects } = await uploads.usage(id);
      await days.set(id, { day: today, storageBytes: bytes, storageObjects: objects });
      const until = Date.now() + runMs;
      const run = await messages.count(id, earliest, { messages: maxMessages, until, signal });
      counted.inc(run.counted);
      if (!run.isComplete) left.inc();
      notes?.report(run);
      // The first count of what a tenant has stored so far goes on at once; until then there are no rankings.
      if (run.isFirst && !run.isComplete && !signal.aborted)
        await runs.request({ job: STATISTICS_JOB, tenant: id }, new Date());
      await retention.remove(id, { parts: earliest, days: today - SERIES_DAYS + 1 });
      return run.counted;
    },
  };
}
