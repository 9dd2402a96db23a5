import type { ProcessDirectory } from '@im/kit';
import type { Logger } from '@im/process';
import type { ClusterView } from './admin/admin-route.ts';
import type { LogSize } from './admin/cluster-alarms.ts';

/** How long a size is used. */
const FRESH_MS = 5_000;

/** What {@link createClusterView} asks. */
export interface ClusterViewDeps {
  /** The processes of the cluster. @default none are known */
  readonly processes?: Pick<ProcessDirectory, 'list'> | undefined;
  /** Asks NATS for the size of the message log. @default it is not known */
  readonly logSize?: (() => Promise<LogSize>) | undefined;
  readonly log: Logger;
}

/** What is known of the cluster, however many ask. */
export function createClusterView({ processes, logSize, log }: ClusterViewDeps): ClusterView {
  let size: Promise<LogSize | undefined> = Promise.resolve(undefined);
  let askedAt = Number.NEGATIVE_INFINITY;

  async function ask(): Promise<LogSize | undefined> {
    try {
      return await logSize?.();
    } catch (error) {
      log.debug({ err: error }, 'the size of the message log is not known');
      return undefined;
    }
  }

  return {
    processes: async () => (await processes?.list()) ?? [],
    logSize() {
      const now = performance.now();
      if (now - askedAt >= FRESH_MS) {
        askedAt = now;
        size = ask();
      }
      return size;
    },
  };
}
