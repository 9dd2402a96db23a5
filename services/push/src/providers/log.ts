import type { Logger } from '@im/process';
import type { PushProvider } from './push-provider.ts';

/** Writes one line per notification instead of waking a phone. */
export function logProvider(log: Logger): PushProvider {
  return {
    name: 'log',
    push(notification) {
      const { tenant, operationID, userIDs, title, conversationID, clientMsgID, contentType } = notification;
      log.info(
        { tenant, operationID, userIDs, title, conversationID, clientMsgID, contentType },
        'offline notification',
      );
      return Promise.resolve();
    },
  };
}
