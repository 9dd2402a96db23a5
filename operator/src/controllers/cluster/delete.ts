import {
  DEPLOYMENT,
  type KubeClient,
  type KubeObject,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  SECRET,
  STATEFUL_SET,
  type Stored,
} from '@im/kube';
import { OPENIM_CLUSTER, type OpenIMCluster } from '../../resources/kinds.ts';
import { clusterSelector, FINALIZER, nameOf, type Owner, ROLES } from '../../resources/names.ts';
import type { Children } from './children.ts';
import { ofCluster } from './view.ts';

/** How far a deletion has come. */
export interface DeletionProgress {
  readonly done: boolean;
  /** What it waits for, for status. */
  readonly waiting: string;
}

/** Time that processes get to end in order before the stores go all the same, ms. */
const PROCESSES_MS = 60_000;
/** Grace of a gateway on deletion: there is nowhere that its connections could be moved to, s. */
const POD_GRACE_SECONDS = 15;

/**
 * Takes a cluster down in order: processes first, so that what they accepted is stored; then the
 * stores; with `Purge` their volumes and passwords too. It never waits for a store to work, and for
 * processes at most a minute. What is left has an owner, and goes by itself.
 */
export async function deleteCluster(
  client: KubeClient,
  children: Children,
  cluster: Stored<OpenIMCluster>,
  signal: AbortSignal,
): Promise<DeletionProgress> {
  const { name, namespace = '', uid, deletionTimestamp } = cluster.metadata;
  const owner: Owner = { name, namespace, uid };
  const mine = <T extends KubeObject>(list: readonly Stored<T>[]) => ofCluster(list, name);

  for (const { metadata } of mine(children.deployments.list(namespace))) {
    await client.delete(DEPLOYMENT, { namespace, name: metadata.name }, { signal });
  }
  const pods = mine(children.pods.list(namespace));
  const processes = pods.filter(({ metadata }) =>
    ROLES.some((role) => role === metadata.labels?.['app.kubernetes.io/component']),
  );
  for (const { metadata } of processes) {
    if ((metadata.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY) <= POD_GRACE_SECONDS) continue;
    await client.delete(
      POD,
      { namespace, name: metadata.name },
      { signal, gracePeriodSeconds: POD_GRACE_SECONDS },
    );
  }
  const waitedMs = Date.now() - Date.parse(deletionTimestamp ?? '');
  if (processes.length > 0 && waitedMs < PROCESSES_MS) {
    const until = Math.ceil((PROCESSES_MS - waitedMs) / 1_000);
    return {
      done: false,
      waiting: `${processes.length} processes are being stopped; the stores follow in ${until} s at the latest`,
    };
  }
  for (const { metadata } of mine(children.statefulSets.list(namespace))) {
    await client.delete(STATEFUL_SET, { namespace, name: metadata.name }, { signal });
  }
  if (cluster.spec.deletionPolicy === 'Purge') await purge(client, owner, signal);
  await removeFinalizer(client, cluster, signal);
  return { done: true, waiting: '' };
}

/** Deletes volumes and everything that was made up, which have no owner. */
async function purge(client: KubeClient, { name, namespace }: Owner, signal: AbortSignal): Promise<void> {
  const { items } = await client.list(PERSISTENT_VOLUME_CLAIM, {
    namespace,
    labelSelector: clusterSelector(name),
    signal,
  });
  for (const { metadata } of items) {
    await client.delete(PERSISTENT_VOLUME_CLAIM, { namespace, name: metadata.name }, { signal });
  }
  for (const secret of [nameOf.credentials(name), nameOf.tenants(name), nameOf.admin(name)]) {
    await client.delete(SECRET, { namespace, name: secret }, { signal });
  }
}

async function removeFinalizer(
  client: KubeClient,
  { metadata }: Stored<OpenIMCluster>,
  signal: AbortSignal,
): Promise<void> {
  const finalizers = (metadata.finalizers ?? []).filter((each) => each !== FINALIZER);
  const { name, namespace, resourceVersion } = metadata;
  await client.patch(
    OPENIM_CLUSTER,
    { namespace, name },
    { metadata: { finalizers, resourceVersion } },
    { signal },
  );
}
