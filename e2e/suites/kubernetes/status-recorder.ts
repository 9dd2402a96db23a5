import { setTimeout as sleep } from 'node:timers/promises';
import type { DeployedCluster, OpenIMCluster, Pod } from '@im/dev-cluster';
import { now } from '@im/proof';

/** A cluster at one moment: its status, and its pods. */
export interface Snapshot {
  /** Of the checker's clock, ms. */
  readonly at: number;
  readonly resource: OpenIMCluster;
  readonly pods: readonly Pod[];
}

/** Polls a cluster during a test, and keeps what it saw. */
export interface StatusRecorder extends AsyncDisposable {
  readonly snapshots: readonly Snapshot[];
  /** The first snapshot at or after `from` for which something holds. @throws when there is none within `withinMs`, with `what`. */
  first(
    what: string,
    from: number,
    holds: (snapshot: Snapshot) => boolean,
    withinMs: number,
  ): Promise<Snapshot>;
}

/** Status must be accurate within seconds, so it is polled about twice a second. */
const POLL_MS = 400;

export function recordStatus(cluster: DeployedCluster): StatusRecorder {
  const snapshots: Snapshot[] = [];
  const over = new AbortController();
  const polling = (async () => {
    while (!over.signal.aborted) {
      const startedAt = now();
      // Pods first: their state is never newer than the status that it is compared with.
      const pods = await cluster.pods().catch(() => undefined);
      const resource = await cluster.resource().catch(() => undefined);
      if (pods && resource) snapshots.push({ at: now(), pods, resource });
      await pause(Math.max(0, POLL_MS - (now() - startedAt)), over.signal);
    }
  })();

  return {
    snapshots,
    async first(what, from, holds, withinMs) {
      const deadline = from + withinMs;
      for (let next = snapshots.findIndex(({ at }) => at >= from); ; ) {
        if (next < 0) next = snapshots.length;
        for (; next < snapshots.length; next++) {
          const snapshot = snapshots[next] as Snapshot;
          if (snapshot.at >= from && holds(snapshot)) return snapshot;
        }
        if (now() > deadline) throw new Error(`${what} did not come within ${withinMs / 1_000} s`);
        await pause(50, over.signal);
      }
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await polling;
    },
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
