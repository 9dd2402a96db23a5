import type { DeployedCluster } from '@im/dev-cluster';
import { POD } from '@im/kube';

/** Gateways that drained during a test. */
export interface DrainRecorder extends AsyncDisposable {
  /** Their names, in the order in which the operator annotated them. @throws when the watch has ended. */
  drained(): readonly string[];
}

/** Annotation of the operator on a gateway, written before the gateway is asked to drain. */
const DRAIN_SINCE = 'openim.io/drain-since';

/**
 * Watches the gateways of a cluster for drains. A drain of few clients may be over between two writes of status, and
 * events are limited in number, but a watch delivers every change of a pod.
 */
export async function recordDrains({
  testCluster: { api },
  namespace,
  name,
}: DeployedCluster): Promise<DrainRecorder> {
  const labelSelector = `app.kubernetes.io/instance=${name},app.kubernetes.io/component=gateway`;
  const { resourceVersion } = await api.list(POD, { namespace, labelSelector });
  const drained = new Set<string>();
  const stop = new AbortController();
  let ended: unknown;
  const watching = (async () => {
    const selection = { namespace, labelSelector, resourceVersion, signal: stop.signal };
    for await (const event of api.watch(POD, selection)) {
      if (event.type === 'BOOKMARK') continue;
      const { metadata } = event.object;
      if (metadata.annotations?.[DRAIN_SINCE] !== undefined) drained.add(metadata.name);
    }
    ended = new Error('the watch ended');
  })().catch((error: unknown) => {
    ended = error;
  });
  return {
    drained() {
      if (ended !== undefined)
        throw new Error('the watch of gateways ended during the test', { cause: ended });
      return [...drained];
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}
