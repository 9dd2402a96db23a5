import type { Blob } from '@im/blob';
import type { ServerConfig } from '@im/contract';
import { type BaseDeps, defineService, type LiveDeps, READY, type Service } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import {
  clientLogRepo,
  conversationSeqs,
  destructRepo,
  msgRows,
  objectRepo,
  objectUploadRepo,
  retentionRepo,
  type Store,
  seqUsers,
  tokenRepo,
} from '@im/store';
import { destructMessages } from './jobs/destruct-messages.ts';
import { expireClientLogs } from './jobs/expire-client-logs.ts';
import { expireMessages } from './jobs/expire-messages.ts';
import { expireObjects } from './jobs/expire-objects.ts';
import { expireTokens } from './jobs/expire-tokens.ts';
import { expireUploads } from './jobs/expire-uploads.ts';
import type { Job } from './jobs/job.ts';
import { recountStorage } from './jobs/recount-storage.ts';
import { scheduleJobs } from './run-jobs.ts';

/** What cron needs of its process. */
export type CronDeps = BaseDeps & Pick<LiveDeps, 'live'> & { store: Store; blob: Blob; rpc: RpcRegistry };

function jobsOf(
  cron: ServerConfig['cron'],
  uploadHours: number,
  { store, blob, rpc, log }: Pick<CronDeps, 'store' | 'blob' | 'rpc' | 'log'>,
): Job[] {
  const objects = objectRepo(store);
  const uploads = objectUploadRepo(store);
  const objectExpiry = { schedule: cron.objectExpiry, days: cron.objectDays, groups: cron.objectGroups };
  return [
    expireMessages(cron.messageExpiry, {
      retention: retentionRepo(store),
      rows: msgRows(store),
      conversationSeqs: conversationSeqs(store),
    }),
    expireObjects(objectExpiry, { objects, uploads, blob }),
    expireClientLogs(objectExpiry, clientLogRepo(store)),
    expireUploads(cron.uploadExpiry, uploadHours, { uploads, objects, blob }),
    recountStorage(cron.objectExpiry, objects, uploads),
    expireTokens(cron.tokenExpiry, tokenRepo(store)),
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

/** Work by the clock: what has expired is removed. */
export const cronService = defineService({
  name: 'cron',
  requires: ['store', 'blob', 'rpc'],
  settings: ['cron', 's3'],
  async create(config, deps: CronDeps): Promise<Service> {
    const log = deps.log.child({ part: 'cron' });
    let inForce = config.cron;
    const schedule = (cron: ServerConfig['cron']) =>
      scheduleJobs(jobsOf(cron, config.s3.uploadHours, { ...deps, log }), {
        ...deps,
        redis: deps.store.redis,
        log,
      });
    let stop = () => {};
    let unsubscribe = () => {};
    return {
      async start() {
        stop = schedule(inForce);
        unsubscribe = deps.live.onChange(({ cron }) => {
          if (JSON.stringify(cron) === JSON.stringify(inForce)) return;
          const next = schedule(cron);
          stop();
          stop = next;
          inForce = cron;
          log.info({ cron }, 'schedules changed');
        });
      },
      async stop() {
        unsubscribe();
        stop();
      },
      ready: () => READY,
    };
  },
});
