import type { DeployedCluster } from '@im/dev-cluster';
import { isPodReady, POD } from '@im/kube';
import { ANNOTATION } from '@im/operator';

/** How far the drain of a gateway is: it is chosen, refuses new connections, is deleted, is gone. */
export const DRAIN_STEPS = ['chosen', 'refusing', 'deleted', 'gone'] as const;
export type DrainStep = (typeof DRAIN_STEPS)[number];

/** The drains of the gateways of a cluster, step by step. */
export interface DrainWatch extends AsyncDisposable {
  /** Gateways that were chosen, in order. @throws when the watch has ended. */
  drained(): readonly string[];
  /** Resolves when a gateway has reached a step. @throws when the watch ends or time is over. */
  reached(step: DrainStep, withinMs: number): Promise<void>;
}

/**
 * Watches for the steps of drains. A drain of few clients may be over between two writes of status, and events are
 * limited in number, but a watch delivers every change of a pod, however fast the next one follows.
 */
export async function watchDrains({ testCluster, namespace, name }: DeployedCluster): Promise<DrainWatch> {
  const { api } = testCluster;
  const labelSelector = `app.kubernetes.io/instance=${name},app.kubernetes.io/component=gateway`;
  const { resourceVersion } = await api.list(POD, { namespace, labelSelector });
  const drained = new Set<string>();
  let ended: unknown;
  const steps = new Map(DRAIN_STEPS.map((step) => [step, Promise.withResolvers<void>()]));
  // There may be no caller that waits for a step when the watch ends.
  for (const { promise } of steps.values()) promise.catch(() => {});
  const reach = (step: DrainStep) => steps.get(step)?.resolve();
  const stop = new AbortController();
  const watching = (async () => {
    const selection = { namespace, labelSelector, resourceVersion, signal: stop.signal };
    for await (const event of api.watch(POD, selection)) {
      if (event.type === 'BOOKMARK') continue;
      const { metadata } = event.object;
      // Written before the gateway is asked to drain.
      if (metadata.annotations?.[ANNOTATION.drainSince] === undefined) continue;
      drained.add(metadata.name);
      reach('chosen');
      if (!isPodReady(event.object)) reach('refusing');
      if (metadata.deletionTimestamp !== undefined) reach('deleted');
      if (event.type === 'DELETED') reach('gone');
    }
    throw new Error('the watch ended');
  })().catch((error: unknown) => {
    ended = error;
    for (const { reject } of steps.values()) reject(error);
  });
  return {
    drained() {
      if (ended !== undefined)
        throw new Error('the watch of gateways ended during the test', { cause: ended });
      return [...drained];
    },
    async reached(step, withinMs) {
      const timeout = AbortSignal.timeout(withinMs);
      const late = new Promise<never>((_, reject) => {
        timeout.addEventListener('abort', () =>
          reject(new Error(`no gateway was ${step} within ${withinMs / 1_000} s`)),
        );
      });
      await Promise.race([steps.get(step)?.promise, late]);
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}
