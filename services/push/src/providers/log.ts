import type { Logger } from '@im/process';
import { allOf, type PushProvider } from '@im/push-providers';

const MAX_USERS = 500;

/** Writes one line per notification instead of waking a phone. */
export function logProvider(log: Logger): PushProvider {
  return {
    name: 'log',
    maxDevices: MAX_USERS,
    async push({ tenant, operationID, title, data }, devices) {
      const userIDs = devices.map(({ userID }) => userID);
      log.info({ tenant, operationID, userIDs, title, ...data }, 'offline notification');
      return allOf(devices, { kind: 'taken' });
    },
    close() {},
  };
}
