import type { Logger } from '@im/process';
import type { Msg } from '@nats-io/transport-node';

/** What `read` makes of a message; undefined, with a line in the log, when it is malformed. */
export function parseEvent<T>(log: Logger, message: Msg, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    log.warn({ err: error, subject: message.subject }, 'an event could not be read');
    return undefined;
  }
}
