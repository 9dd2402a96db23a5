import { sleep } from '@im/kit';
import type { KubeClient } from '@im/kube';
import { isReady, OPENIM_CLUSTER, type OpenIMCluster, waitsFor } from '../index.ts';

const POLL_MS = 500;
const SAY_MS = 2_000;
/** What has not changed is said again after so many of them, where lines cannot be replaced. */
const REPEAT = 5;
const TIMEOUT_MS = 600_000;

/**
 * Waits until a cluster is ready, and says what it waits for: within two seconds when that
 * changes, and every ten. @throws after ten minutes.
 */
export async function untilReady(
  api: KubeClient,
  { name, namespace }: { readonly name: string; readonly namespace: string },
  print: (line: string) => void,
): Promise<OpenIMCluster> {
  const startedAt = performance.now();
  let said = startedAt;
  let last = '';
  let unchanged = 0;
  for (;;) {
    const cluster = await api.get(OPENIM_CLUSTER, { namespace, name });
    if (cluster && isReady(cluster)) return cluster;
    const now = performance.now();
    const what = cluster ? waitsFor(cluster) : 'there is no such cluster yet';
    if (now - startedAt > TIMEOUT_MS) {
      throw new Error(
        `${namespace}/${name} is not ready after ${TIMEOUT_MS / 60_000} minutes: ${what}\n` +
          `more: kubectl -n ${namespace} describe openimcluster ${name}; kubectl -n ${namespace} get pods`,
      );
    }
    if (now - said >= SAY_MS) {
      said = now;
      unchanged = what === last ? unchanged + 1 : 0;
      last = what;
      if (unchanged % REPEAT === 0)
        print(`${String(Math.round((now - startedAt) / 1_000)).padStart(4)} s  ${what}`);
    }
    await sleep(POLL_MS);
  }
}
