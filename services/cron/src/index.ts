import type { Blob } from '@im/blob';
import { type BaseDeps, READY, type Service, type ServiceModule } from '@im/kit';
import { convs, msgRows, objectRepo, retentionRepo, type Store, tokenRepo } from '@im/store';
import { expireMessages } from './jobs/expire-messages.ts';
import { expireObjects } from './jobs/expire-objects.ts';
import { expireTokens } from './jobs/expire-tokens.ts';
import { scheduleJobs } from './run-jobs.ts';

/** What cron needs of its process. */
export type CronDeps = BaseDeps & { store: Store; blob: Blob };

/** Work by the clock: what has expired is removed. */
export const module: ServiceModule<CronDeps> = {
  name: 'cron',
  needs: ['store', 'blob'],
  async create({ cron }, deps): Promise<Service> {
    const { store, blob } = deps;
    const jobs = [
      expireMessages(cron.messageExpiry, {
        retention: retentionRepo(store),
        rows: msgRows(store),
        convs: convs(store),
      }),
      expireObjects(
        { schedule: cron.objectExpiry, days: cron.objectDays, groups: cron.objectGroups },
        objectRepo(store),
        blob,
      ),
      expireTokens(cron.tokenExpiry, tokenRepo(store)),
    ];
    let stop = () => {};
    return {
      async start() {
        stop = scheduleJobs(jobs, { ...deps, redis: store.redis, log: deps.log.child({ part: 'cron' }) });
      },
      async stop() {
        stop();
      },
      ready: () => READY,
    };
  },
};
