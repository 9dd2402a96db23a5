import type { DeployedCluster, OpenIMCluster, Pod } from '@im/dev-cluster';
import { now } from '@im/proof';

/** A cluster at a moment, as status tells it and as Kubernetes has it. */
export interface Sight {
  /** Of the checker's clock, ms. */
  readonly at: number;
  readonly resource: OpenIMCluster;
  readonly pods: readonly Pod[];
}

/** Looks at a cluster again and again, beside a test, and remembers. */
export interface Witness extends AsyncDisposable {
  readonly sights: readonly Sight[];
  /** The first sight at or after `from` for which something holds. @throws when there is none within `withinMs`, with `what`. */
  first(what: string, from: number, holds: (sight: Sight) => boolean, withinMs: number): Promise<Sight>;
}

/** Status is held to be true within seconds, so it is looked at about twice a second. */
const LOOK_MS = 400;

export function watchCluster(cluster: DeployedCluster): Witness {
  const sights: Sight[] = [];
  const over = new AbortController();
  const looking = (async () => {
    while (!over.signal.aborted) {
      const begun = now();
      // Pods first: what they tell is never newer than the status that it is compared with.
      const pods = await cluster.pods().catch(() => undefined);
      const resource = await cluster.resource().catch(() => undefined);
      if (pods && resource) sights.push({ at: now(), pods, resource });
      await pause(Math.max(0, LOOK_MS - (now() - begun)), over.signal);
    }
  })();

  return {
    sights,
    async first(what, from, holds, withinMs) {
      const deadline = from + withinMs;
      for (let next = sights.findIndex(({ at }) => at >= from); ; ) {
        if (next < 0) next = sights.length;
        for (; next < sights.length; next++) {
          const sight = sights[next] as Sight;
          if (sight.at >= from && holds(sight)) return sight;
        }
        if (now() > deadline) throw new Error(`${what} did not come within ${withinMs / 1_000} s`);
        await pause(50, over.signal);
      }
    },
    async [Symbol.asyncDispose]() {
      over.abort();
      await looking;
    },
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
