import type { MsgIndexes } from '@im/store';
import type { Job } from './job.ts';

/** Soon after the setting changes, and again when a build failed. */
const OFTEN = '*/5 * * * *';

/** Makes the indexes that searches of messages use, or removes them, as the setting says. */
export function searchIndexes(wanted: boolean, indexes: Pick<MsgIndexes, 'set'>): Job {
  return {
    name: 'search-indexes',
    description: 'makes or removes the indexes for searches of messages',
    schedule: OFTEN,
    async run({ id }) {
      await indexes.set(id, wanted);
      return 0;
    },
  };
}
