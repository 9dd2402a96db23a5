import type { MsgIndexes } from '@im/store';
import type { Job } from './job.ts';

/** Soon after the setting changes, and again when a build failed. */
const OFTEN = '*/5 * * * *';

/**
 * Makes the indexes that searches of messages use, or removes them, as the setting says. A build that takes longer than a run
 * goes on; the next run waits for it.
 */
export function searchIndexes(wanted: boolean, indexes: Pick<MsgIndexes, 'set' | 'progress'>): Job {
  return {
    name: 'search-indexes',
    description: 'makes or removes the indexes for searches of messages',
    schedule: OFTEN,
    async run({ id }, signal, notes) {
      try {
        await indexes.set(id, wanted, signal);
      } catch (error) {
        const build = indexes.progress(id);
        if (!signal.aborted || !build) throw error;
        const { indexes: names, ms, share } = build;
        notes?.report({
          building: names,
          seconds: Math.round(ms / 1_000),
          ...(share !== undefined && { percent: Math.round(share * 100) }),
        });
      }
      return 0;
    },
  };
}
