import type { ClientLogRepo } from '@im/store';
import type { ObjectExpiry } from './expire-objects.ts';
import type { Job } from './job.ts';

const DAY_MS = 24 * 3600 * 1000;
/** How SDKs name the objects of their logs. */
const LOG_GROUP = 'sdklog';

/** Removes the entries of client logs when the files that they name expire. */
export function expireClientLogs({ schedule, days, groups }: ObjectExpiry, logs: ClientLogRepo): Job {
  return {
    name: 'expire-client-logs',
    description: 'removes entries of client logs whose files have expired',
    schedule,
    async run({ id }) {
      if (days === 0 || !groups.includes(LOG_GROUP)) return 0;
      return logs.removeBefore(id, Date.now() - days * DAY_MS);
    },
  };
}
