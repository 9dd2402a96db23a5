import { isDeepStrictEqual } from 'node:util';
import { type Metrics, sleep } from '@im/kit';
import {
  beyondStatus,
  CONFIG_MAP_METADATA,
  type Controller,
  createApplier,
  createController,
  createInformer,
  EVENT,
  type EventRecorder,
  type Informer,
  type KubeClient,
  type KubeObject,
  keyOf,
  NAMESPACE,
  SECRET_METADATA,
  type Stored,
  withoutManagedFields,
} from '@im/kube';
import type { Logger, TaskRunner } from '@im/process';
import type { storeChecks } from '../../checks/store-checks.ts';
import type { OperatorDefaults } from '../../resources/effective.ts';
import {
  OPENIM_CLUSTER,
  OPENIM_TENANT,
  OPENIM_TENANT_CLASS,
  type OpenIMCluster,
} from '../../resources/kinds.ts';
import { FIELD_MANAGER, OPS_PORT } from '../../resources/names.ts';
import { withPresentNames } from '../../resources/renamed-fields.ts';
import { clusterKeyOf } from '../tenant/identity.ts';
import { createTenantController } from '../tenant/index.ts';
import { tenantIndexes } from '../tenant/reconcile.ts';
import { clusterKeysOf, watchChildren } from './children.ts';
import { watchNodes } from './observation/nodes.ts';
import { Observer } from './observation/observer.ts';
import { httpProcessApi, type ProcessApi } from './observation/process-api.ts';
import { ClusterReconciler } from './reconcile.ts';
import { RolloutAdmission } from './rollout/rollout-admission.ts';
import { PLACE_LIMITS, type PlaceLimits, RolloutPlaces } from './rollout/rollout-places.ts';
import { SecretReader } from './secrets.ts';
import { eventIndexes, FAILED_CREATES } from './status/missing-pods.ts';
import { FIGURES_MS, figuresDue } from './status/status-figures.ts';

/** Interval between looks for clusters whose figures have moved, ms. */
const FIGURES_TICK_MS = 1_000;
/** Types of Secrets that no spec refers to; they may be many and change often. */
const NOT_REFERRED = [
  'helm.sh/release.v1',
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
];

export interface ClusterControllerDeps {
  /** For reads, in every replica. */
  readonly client: KubeClient;
  /** For writes, while this replica leads. */
  readonly writer: KubeClient;
  readonly events: EventRecorder;
  readonly tasks: TaskRunner;
  readonly operator: OperatorDefaults;
  readonly operatorNamespace: string;
  /** Namespace of the clusters. @default all namespaces */
  readonly namespace?: string | undefined;
  /** How many clusters are created and rolled out at the same time. @default {@link PLACE_LIMITS} */
  readonly placeLimits?: PlaceLimits | undefined;
  /** How processes are reached. @default over HTTP */
  readonly processes?: ProcessApi | undefined;
  /** How stores are checked. @default over the network */
  readonly storeChecks?: typeof storeChecks | undefined;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What every replica runs, and what only the leader runs. */
export interface ClusterController {
  /** They run in every replica, so that a new leader starts with warm copies. */
  readonly informers: readonly Informer<KubeObject>[];
  /** Reconciles until `signal` aborts. */
  lead(signal: AbortSignal): Promise<void>;
}

/** Creates the controller of OpenIMCluster and OpenIMTenant. It connects to nothing before it runs. */
export function createClusterController(deps: ClusterControllerDeps): ClusterController {
  const { client, writer, events, tasks, operator, operatorNamespace, namespace, log, metrics } = deps;
  const clusters = createInformer({
    client,
    type: OPENIM_CLUSTER,
    namespace,
    keep: (cluster) =>
      withoutManagedFields({ ...cluster, spec: withPresentNames('OpenIMCluster', cluster.spec) }),
    log,
    metrics,
  });
  const tenants = createInformer({
    client,
    type: OPENIM_TENANT,
    namespace,
    indexes: tenantIndexes,
    keep: (tenant) =>
      withoutManagedFields({ ...tenant, spec: withPresentNames('OpenIMTenant', tenant.spec) }),
    log,
    metrics,
  });
  const classes = createInformer({
    client,
    type: OPENIM_TENANT_CLASS,
    namespace,
    // Clusters whose CRDs are those of an earlier version have none.
    optional: true,
    log,
    metrics,
  });
  // An operator that looks after one namespace may not see the others.
  const namespaces = createInformer({
    client,
    type: NAMESPACE,
    keep: labelsOnly,
    optional: true,
    log,
    metrics,
  });
  const children = watchChildren({ client, log, metrics, namespace });
  // One watch for the Secrets of users in place of reads at intervals: a change is noticed at once, and costs one read.
  const userSecrets = createInformer({
    client,
    type: SECRET_METADATA,
    namespace,
    fieldSelector: NOT_REFERRED.map((type) => `type!=${type}`).join(','),
    keep: identityOf,
    log,
    metrics,
  });
  const userConfigMaps = createInformer({
    client,
    type: CONFIG_MAP_METADATA,
    namespace,
    // One in every namespace.
    fieldSelector: 'metadata.name!=kube-root-ca.crt',
    keep: identityOf,
    log,
    metrics,
  });
  const reader = new SecretReader(
    writer,
    { Secret: userSecrets, ConfigMap: userConfigMaps },
    children.secrets as unknown as Informer<KubeObject>,
  );
  const failedCreates = createInformer({
    client,
    type: EVENT,
    namespace,
    fieldSelector: FAILED_CREATES,
    indexes: eventIndexes,
    log,
    metrics,
  });
  const processes = deps.processes ?? httpProcessApi(OPS_PORT);
  let controller: Controller | undefined;
  const observer = new Observer({
    processes,
    tasks,
    log,
    onChange: (key) => controller?.enqueue(key),
  });
  const nodes = watchNodes({
    client,
    log,
    metrics,
    onChange(node) {
      const affected = children.pods.list(namespace).filter(({ spec }) => spec?.nodeName === node);
      for (const key of new Set(affected.flatMap(clusterKeysOf))) controller?.enqueue(key);
    },
  });
  const places = new RolloutPlaces({
    limits: deps.placeLimits ?? PLACE_LIMITS,
    metrics,
    onFree(keys) {
      for (const key of keys) controller?.enqueue(key);
    },
  });
  const admission = new RolloutAdmission({ clusters, children, places });
  const tenantController = createTenantController({
    tenants,
    clusters,
    classes,
    namespaces,
    secrets: { all: userSecrets, own: children.secrets },
    observer,
    processes,
    client: writer,
    log,
    metrics,
  });
  /** What is known by one term of leadership; the next leader may have changed everything. */
  let reconciler: ClusterReconciler | undefined;
  function beginTerm(): void {
    const applier = createApplier({ client: writer, fieldManager: FIELD_MANAGER, metrics });
    const term = tenantController.beginTerm(applier);
    admission.begin();
    reconciler = new ClusterReconciler({
      client: writer,
      nodes,
      admission,
      clusters,
      ...term,
      children,
      userSecrets: reader,
      failedCreates,
      storeChecks: deps.storeChecks,
      applier,
      observer,
      processes,
      events,
      operator,
      operatorNamespace,
      log,
      metrics,
    });
    for (const cluster of clusters.list()) controller?.enqueue(keyOf(cluster));
    for (const tenant of tenants.list()) controller?.enqueue(clusterKeyOf(tenant));
  }
  controller = createController({
    name: 'cluster',
    reconcile: async (key, signal) => reconciler?.reconcile(key, signal),
    log,
    metrics,
    workers: 4,
    // Short retries keep status up to date within seconds.
    backoff: { baseMs: 200, maxMs: 5_000 },
  });
  controller.watches(clusters, undefined, beyondStatus);
  controller.watches(tenants, (tenant) => [clusterKeyOf(tenant)], beyondStatus);
  /** Clusters whose tenants depend on what is said elsewhere. */
  const admitting = (concerned: (cluster: Stored<OpenIMCluster>) => boolean) =>
    clusters
      .list()
      .filter(concerned)
      .map((cluster) => {
        tenantController.admissionChanged(keyOf(cluster));
        return keyOf(cluster);
      });
  clusters.onChange((before, after) => {
    if (after && !isDeepStrictEqual(before?.spec.allowedTenants, after.spec.allowedTenants))
      tenantController.admissionChanged(keyOf(after));
  });
  controller.watches(classes, ({ metadata }) =>
    admitting((cluster) => cluster.metadata.namespace === metadata.namespace),
  );
  controller.watches(namespaces as Informer<KubeObject>, () =>
    admitting(({ spec }) => spec.allowedTenants !== undefined),
  );
  controller.watches(failedCreates, ({ metadata, involvedObject }) => {
    const set = children.statefulSets.get(`${metadata.namespace}/${involvedObject.name}`);
    return set === undefined ? [] : clusterKeysOf(set);
  });
  controller.watches(userSecrets, (secret) => reader.readersOf('Secret', secret));
  controller.watches(userConfigMaps, (map) => reader.readersOf('ConfigMap', map));
  for (const informer of Object.values(children)) {
    controller.watches(informer as unknown as Informer<KubeObject>, clusterKeysOf);
  }
  children.pods.onChange((before, after) => {
    const pod = after ?? before;
    // A change of a store pod may change the result of its check.
    if (pod) for (const key of clusterKeysOf(pod)) observer.recheck(key);
  });
  /** Has clusters reconciled whose figures have moved since they were written. */
  async function followFigures(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = Date.now();
      for (const cluster of clusters.list()) {
        const key = keyOf(cluster);
        const { observedAt } = cluster.status ?? {};
        if (observedAt !== undefined && now - Date.parse(observedAt) < FIGURES_MS) continue;
        if (figuresDue(cluster.status, observer.observationOf(key))) controller?.enqueue(key);
      }
      await sleep(FIGURES_TICK_MS, signal).catch(() => undefined);
    }
  }
  return {
    informers: [
      clusters,
      tenants,
      classes,
      namespaces,
      userSecrets,
      userConfigMaps,
      failedCreates,
      ...Object.values(children),
    ] as unknown as readonly Informer<KubeObject>[],
    async lead(signal) {
      beginTerm();
      await Promise.all([
        observer.run(signal),
        controller.run(signal),
        tenantController.run(signal),
        followFigures(signal),
        nodes.run(signal),
      ]);
    },
  };
}

/** What is kept of a namespace. */
function labelsOnly<T extends KubeObject>({ apiVersion, kind, metadata }: Stored<T>): Stored<T> {
  const { name, uid, resourceVersion, labels } = metadata;
  return { apiVersion, kind, metadata: { name, uid, resourceVersion, labels } } as Stored<T>;
}

/** What is kept of a Secret or ConfigMap of a user. */
function identityOf({ apiVersion, kind, metadata }: Stored<KubeObject>): Stored<KubeObject> {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion } };
}
