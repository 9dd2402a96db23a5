import { nextDue, type TenantSettings } from '@im/contract';
import type {
  CronRunRepo,
  DeadLetterRepo,
  JobState,
  ObjectUploadRepo,
  ParkedRecordRepo,
  UserRepo,
  WebhookDeliveryRepo,
} from '@im/store';

/** What a report says of a tenant. */
export interface HealthFigures {
  readonly users: number;
  readonly userQuota: number;
  readonly storageBytes: number;
  readonly storageQuota: number;
  /** Conversations whose messages wait, since they cannot be stored; the whole tenant counts as one. */
  readonly parkedConversations: number;
  readonly deadLetters: number;
  readonly webhooksWaiting: number;
  readonly webhooksDead: number;
  readonly indexDifferences: number;
  /** Jobs whose last run failed, with how often in a row. */
  readonly failingJobs: readonly string[];
  /** Jobs that have not succeeded for two of their periods. */
  readonly lateJobs: readonly string[];
}

export interface FiguresDeps {
  readonly users: Pick<UserRepo, 'count'>;
  readonly uploads: Pick<ObjectUploadRepo, 'bytes'>;
  readonly parked: Pick<ParkedRecordRepo, 'markers'>;
  readonly deadLetters: Pick<DeadLetterRepo, 'countOf'>;
  readonly deliveries: Pick<WebhookDeliveryRepo, 'usage'>;
  readonly runs: Pick<CronRunRepo, 'jobs'>;
}

/** Dead letters that are counted. */
const MAX_DEAD_LETTERS = 1_000;
/** Part of a quota from which it is a problem. */
const QUOTA_SHARE = 0.9;

/** Reads the figures of a tenant. */
export async function healthFigures(
  { users, uploads, parked, deadLetters, deliveries, runs }: FiguresDeps,
  { id, quotas }: TenantSettings,
  now: number,
): Promise<HealthFigures> {
  const [userCount, bytes, markers, letters, webhooks, jobs] = await Promise.all([
    users.count(id),
    uploads.bytes(id),
    parked.markers(),
    deadLetters.countOf(id, MAX_DEAD_LETTERS),
    deliveries.usage(id),
    runs.jobs(id),
  ]);
  return {
    users: userCount,
    userQuota: quotas.users,
    storageBytes: bytes,
    storageQuota: quotas.storageBytes,
    parkedConversations: markers.filter(({ tenant }) => tenant === id).length,
    deadLetters: letters,
    webhooksWaiting: webhooks.waiting.deliveries,
    webhooksDead: webhooks.dead.deliveries,
    indexDifferences: indexDifferences(jobs),
    failingJobs: jobs
      .filter(({ failures }) => failures > 0)
      .map(({ name, failures }) => `${name} (${failures})`),
    lateJobs: jobs.filter((job) => isLate(job, now)).map(({ name }) => name),
  };
}

/** What the last report on indexes has found. */
function indexDifferences(jobs: readonly JobState[]): number {
  const report = jobs.find(({ name }) => name === 'report-indexes')?.last?.report ?? '';
  if (report === '') return 0;
  const { differences } = JSON.parse(report) as { differences?: unknown };
  return typeof differences === 'number' ? differences : 0;
}

/** Whether two due times have passed since the last success; a job that never ran has a tenant or version that is new. */
export function isLate({ schedule, lastOk }: Pick<JobState, 'schedule' | 'lastOk'>, now: number): boolean {
  if (lastOk === undefined) return false;
  const first = nextDue(schedule, lastOk);
  const second = first === undefined ? undefined : nextDue(schedule, first);
  return second !== undefined && second < now;
}

/** Something to look at, by name. */
export type HealthProblem =
  | 'users'
  | 'storage'
  | 'parkedConversations'
  | 'deadLetters'
  | 'webhooksDead'
  | 'indexDifferences'
  | 'failingJobs'
  | 'lateJobs';

/** What of the figures needs a person. */
export function healthProblems(figures: HealthFigures): HealthProblem[] {
  const isNear = (value: number, quota: number) => quota > 0 && value >= quota * QUOTA_SHARE;
  const holds: Readonly<Record<HealthProblem, boolean>> = {
    users: isNear(figures.users, figures.userQuota),
    storage: isNear(figures.storageBytes, figures.storageQuota),
    parkedConversations: figures.parkedConversations > 0,
    deadLetters: figures.deadLetters > 0,
    webhooksDead: figures.webhooksDead > 0,
    indexDifferences: figures.indexDifferences > 0,
    failingJobs: figures.failingJobs.length > 0,
    lateJobs: figures.lateJobs.length > 0,
  };
  return (Object.keys(holds) as HealthProblem[]).filter((name) => holds[name]);
}
