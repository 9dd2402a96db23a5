import type { Blob } from '@im/blob';
import type { ServerConfig } from '@im/contract';
import { retry } from '@im/kit';
import { type BaseDeps, defineService, type LiveDeps, READY, type Service } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import { createSenders, type Senders } from '@im/sms-mail';
import {
  accountStatistics,
  auditRepo,
  banRepo,
  clientLogRepo,
  conversationSeqs,
  cronRunRepo,
  deadLetterRepo,
  destructRepo,
  indexReports,
  messageCounter,
  msgIndexes,
  msgRows,
  objectRepo,
  objectUploadRepo,
  parkedRecordRepo,
  pushTokenRepo,
  retentionRepo,
  type Store,
  seqUsers,
  statDayRepo,
  statRetention,
  thumbnailRepo,
  tokenRepo,
  userRepo,
  verificationCodeRepo,
  webhookDeliveryRepo,
} from '@im/store';
import { createJobRunner } from './job-runner.ts';
import { countStatistics } from './jobs/count-statistics.ts';
import { destructMessages } from './jobs/destruct-messages.ts';
import { expireAuditRecords } from './jobs/expire-audit-records.ts';
import { expireClientLogs } from './jobs/expire-client-logs.ts';
import { expireCodes } from './jobs/expire-codes.ts';
import { expireMessages } from './jobs/expire-messages.ts';
import { expireObjects } from './jobs/expire-objects.ts';
import { expirePushTokens } from './jobs/expire-push-tokens.ts';
import { expireTokens } from './jobs/expire-tokens.ts';
import { expireUploads } from './jobs/expire-uploads.ts';
import type { Job } from './jobs/job.ts';
import { recountStorage } from './jobs/recount-storage.ts';
import { reportHealth } from './jobs/report-health.ts';
import { reportIndexes } from './jobs/report-indexes.ts';
import { searchIndexes } from './jobs/search-indexes.ts';
import { createRequests } from './requests.ts';
import { type Schedule, scheduleJobs } from './run-jobs.ts';
import { sampleOnline } from './sample-online.ts';

/** What cron needs of its process. */
export type CronDeps = BaseDeps & Pick<LiveDeps, 'live'> & { store: Store; blob: Blob; rpc: RpcRegistry };

function jobsOf(
  cron: ServerConfig['cron'],
  uploadHours: number,
  {
    store,
    blob,
    rpc,
    log,
    metrics,
    senders,
  }: Pick<CronDeps, 'store' | 'blob' | 'rpc' | 'log' | 'metrics'> & {
    senders: Senders;
  },
): Job[] {
  const objects = objectRepo(store);
  const uploads = objectUploadRepo(store);
  const thumbnails = thumbnailRepo(store);
  const objectExpiry = { schedule: cron.objectExpiry, days: cron.objectDays, groups: cron.objectGroups };
  return [
    expireMessages(cron.messageExpiry, {
      retention: retentionRepo(store),
      rows: msgRows(store),
      conversationSeqs: conversationSeqs(store),
    }),
    expireObjects(objectExpiry, { objects, uploads, thumbnails, blob }),
    expireClientLogs(objectExpiry, clientLogRepo(store)),
    expireUploads(cron.uploadExpiry, uploadHours, { uploads, objects, thumbnails, blob }),
    recountStorage(cron.objectExpiry, objects, thumbnails, uploads),
    countStatistics(
      { schedule: cron.statistics, days: cron.statisticsDays },
      {
        messages: messageCounter(store),
        accounts: accountStatistics(store),
        days: statDayRepo(store),
        retention: statRetention(store),
        uploads,
        runs: cronRunRepo(store),
        metrics,
      },
    ),
    expireTokens(cron.tokenExpiry, tokenRepo(store), banRepo(store)),
    expireAuditRecords({ schedule: cron.tokenExpiry, days: cron.auditDays }, auditRepo(store)),
    expireCodes(cron.tokenExpiry, verificationCodeRepo(store)),
    expirePushTokens({ schedule: cron.pushTokenExpiry, days: cron.pushTokenDays }, pushTokenRepo(store)),
    searchIndexes(cron.searchIndexes, msgIndexes(store)),
    reportIndexes(cron.indexReport, { indexes: indexReports(store), log, metrics }),
    reportHealth(cron.healthReport, {
      users: userRepo(store),
      uploads,
      parked: parkedRecordRepo(store),
      deadLetters: deadLetterRepo(store),
      deliveries: webhookDeliveryRepo(store),
      runs: cronRunRepo(store),
      senders,
      log,
    }),
    destructMessages(cron.messageDestruct, {
      destruct: destructRepo(store),
      rows: msgRows(store),
      conversationSeqs: conversationSeqs(store),
      seqUsers: seqUsers(store),
      conversation: rpc.client('conversation'),
      log,
    }),
  ];
}

/** Between looks for runs that were asked for, for runs whose process died, and announcements of the jobs. */
const REQUESTS_MS = 2_000;
const DEAD_RUNS_MS = 20_000;
const ANNOUNCE_MS = 10 * 60_000;
/** Between looks at how many are online. */
const ONLINE_MS = 30_000;
const MINUTE_MS = 60_000;

/** Work by the clock: what has expired is removed. */
export const cronService = defineService({
  name: 'cron',
  requires: ['store', 'blob', 'rpc'],
  settings: ['cron', 's3', 'webhooks'],
  async create(config, deps: CronDeps): Promise<Service> {
    const log = deps.log.child({ part: 'cron' });
    const { tasks, live } = deps;
    const runs = cronRunRepo(deps.store);
    const limitMs = () => live.current.cron.runMinutes * MINUTE_MS;
    const allowedNetworks = () => live.current.webhooks.allowedNetworks;
    const senders = createSenders({ ...deps, allowedNetworks });
    const runner = createJobRunner({ ...deps, log, runs, limitMs });
    let inForce = config.cron;
    let jobs: readonly Job[] = [];
    const scheduleOf = (cron: ServerConfig['cron']): Schedule => {
      const list = jobsOf(cron, config.s3.uploadHours, { ...deps, log, senders });
      const schedule = scheduleJobs(list, { ...deps, log, runs, runner });
      jobs = list;
      return schedule;
    };
    let schedule: Schedule | undefined;
    const sample = sampleOnline({
      tenants: deps.tenants,
      users: deps.rpc.client('user'),
      days: statDayRepo(deps.store),
      log,
    });
    const announce = tasks.coalesce('cron-announce', async (signal) => {
      await retry(() => runs.announce(jobs, new Date()), { deadline: Date.now() + ANNOUNCE_MS, signal });
    });
    let unsubscribe = () => {};
    return {
      async start() {
        const first = scheduleOf(inForce);
        schedule = first;
        const requests = createRequests({ ...deps, runs, schedule: () => schedule ?? first });
        announce();
        tasks.every('cron-announcements', ANNOUNCE_MS, async () => announce());
        // Not once it stops, although background work ends later.
        const whileRunning =
          (work: (signal: AbortSignal) => Promise<void>) => async (signal: AbortSignal) => {
            if (schedule) await work(signal);
          };
        tasks.every('cron-requests', REQUESTS_MS, whileRunning(requests.take));
        tasks.every('cron-dead-runs', DEAD_RUNS_MS, whileRunning(requests.takeOver));
        tasks.every('cron-online', ONLINE_MS, whileRunning(sample));
        unsubscribe = live.onChange(({ cron }) => {
          if (JSON.stringify(cron) === JSON.stringify(inForce)) return;
          const next = scheduleOf(cron);
          schedule?.stop();
          schedule = next;
          inForce = cron;
          announce();
          log.info({ cron }, 'schedules changed');
        });
      },
      async stop() {
        unsubscribe();
        schedule?.stop();
        schedule = undefined;
        senders.close();
      },
      ready: () => READY,
    };
  },
});
