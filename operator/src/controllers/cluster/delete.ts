import {
  childId,
  DEPLOYMENT,
  type Informer,
  isApiError,
  type KubeClient,
  type KubeObject,
  keyOf,
  NAMESPACE,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  prune,
  SECRET,
  STATEFUL_SET,
  type Stored,
} from '@im/kube';
import { OPENIM_CLUSTER, type OpenIMCluster } from '../../resources/kinds.ts';
import {
  clusterSelector,
  FINALIZER,
  MANAGED_BY,
  nameOf,
  type Owner,
  PROCESS_ROLES,
} from '../../resources/names.ts';
import { type Children, type ManifestApplier, ofCluster } from './children.ts';
import type { Desired } from './create.ts';
import type { ObservedCluster } from './observation/observed-cluster.ts';
import { ownershipOf } from './ownership.ts';

/** How far a deletion is; it goes on at the next reconcile unless it is done. */
export interface DeletionProgress {
  readonly done: boolean;
  /** What it waits for; for status. */
  readonly waiting: string;
}

/** Longest wait for processes to stop before the stores are deleted, ms. */
const PROCESSES_MS = 60_000;
/** Grace period of processes on deletion: connections cannot be moved anywhere, s. */
const POD_GRACE_SECONDS = 15;

/**
 * Deletes a cluster in order: processes first, so that everything they accepted is stored; then the stores; with
 * `Purge` also their volumes and passwords. It never depends on a working store, and waits for processes for one
 * minute at most. Everything else has an owner reference and is garbage-collected.
 */
export async function deleteCluster(
  client: KubeClient,
  children: Children,
  cluster: Stored<OpenIMCluster>,
  signal: AbortSignal,
): Promise<DeletionProgress> {
  const { name, namespace = '', uid, deletionTimestamp } = cluster.metadata;
  const owner: Owner = { name, namespace, uid };
  if (await isTerminating(client, namespace, signal)) {
    // Everything goes with the namespace; the rights of the operator in it may go first.
    await removeFinalizer(client, cluster, signal);
    return { done: true, waiting: '' };
  }
  const key = keyOf(owner);
  const inCluster = <T extends KubeObject>(informer: Informer<T>) =>
    ofCluster(informer, key).filter((object) => ownershipOf(object, owner) === 'ours');

  for (const { metadata } of inCluster(children.deployments)) {
    await client.delete(DEPLOYMENT, { namespace, name: metadata.name }, { signal });
  }
  const pods = ofCluster(children.pods, key);
  const processes = pods.filter(({ metadata }) =>
    PROCESS_ROLES.some((role) => role === metadata.labels?.['app.kubernetes.io/component']),
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
      waiting: `${processes.length} processes are stopping; the stores are deleted after that, in ${until} s at the latest`,
    };
  }
  for (const { metadata } of inCluster(children.statefulSets)) {
    await client.delete(STATEFUL_SET, { namespace, name: metadata.name }, { signal });
  }
  if (cluster.spec.deletionPolicy === 'Purge') await purge(client, owner, signal);
  await removeFinalizer(client, cluster, signal);
  return { done: true, waiting: '' };
}

/** Deletes objects of a cluster that are not wanted any more. */
export async function pruneChildren(
  { client, children }: { readonly client: KubeClient; readonly children: Children },
  applier: ManifestApplier,
  observed: ObservedCluster,
  desired: Desired,
  signal: AbortSignal,
): Promise<void> {
  const { owner } = observed;
  const manifests = [
    ...desired.base,
    ...desired.monitoring,
    ...desired.kept,
    ...desired.stages.flatMap(({ workloads }) => workloads),
    ...observed.gatewayDeployments(),
  ];
  const wanted = new Set(manifests.map((manifest) => childId(applier.typeOf(manifest), manifest)));
  const gatewayServiceKey = { namespace: owner.namespace, name: nameOf.component(owner.name, 'gateway') };
  wanted.add(childId(children.services.type, gatewayServiceKey));
  const { pods: _pods, volumeClaims: _claims, ...prunable } = children;
  await prune({
    client,
    ownerUid: owner.uid,
    namespace: owner.namespace,
    labels: { 'app.kubernetes.io/managed-by': MANAGED_BY, 'app.kubernetes.io/instance': owner.name },
    wanted,
    among: Object.values(prunable) as unknown as readonly Informer<KubeObject>[],
    signal,
  });
}

/** Deletes volumes and generated Secrets, which have no owner reference. */
async function purge(client: KubeClient, owner: Owner, signal: AbortSignal): Promise<void> {
  const { name, namespace } = owner;
  const { items } = await client.list(PERSISTENT_VOLUME_CLAIM, {
    namespace,
    labelSelector: clusterSelector(name),
    signal,
  });
  for (const { metadata } of items) {
    await client.delete(PERSISTENT_VOLUME_CLAIM, { namespace, name: metadata.name }, { signal });
  }
  for (const secret of [nameOf.credentials(name), nameOf.tenants(name)]) {
    const found = await client.get(SECRET, { namespace, name: secret }, { signal });
    if (!found || ownershipOf(found, owner) !== 'ours') continue;
    await client.delete(SECRET, { namespace, name: secret }, { signal, uid: found.metadata.uid });
  }
}

/** Whether the namespace is being deleted; false if the operator may not read it. */
export async function isTerminating(client: KubeClient, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    const namespace = await client.get(NAMESPACE, { name }, { signal });
    return namespace?.metadata.deletionTimestamp !== undefined;
  } catch (error) {
    if (isApiError(error, 403)) return false;
    throw error;
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
