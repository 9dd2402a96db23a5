import type { Metrics } from '@im/kit';
import {
  type Controller,
  createApplier,
  createController,
  createInformer,
  type EventRecorder,
  type Informer,
  type KubeClient,
  type KubeObject,
  type Stored,
} from '@im/kube';
import type { Background, Logger } from '@im/process';
import type { OperatorDefaults } from '../../resources/effective.ts';
import { OPENIM_CLUSTER, OPENIM_TENANT } from '../../resources/kinds.ts';
import { FIELD_MANAGER, OPS_PORT } from '../../resources/names.ts';
import { watchChildren } from './children.ts';
import { Observer } from './observer.ts';
import { httpProcessApi, type ProcessApi } from './process-api.ts';
import { ClusterReconciler } from './reconcile.ts';

export interface ClusterControllerDeps {
  /** Reads; every replica does. */
  readonly client: KubeClient;
  /** Writes, as long as this replica leads. */
  readonly writer: KubeClient;
  readonly events: EventRecorder;
  readonly background: Background;
  readonly operator: OperatorDefaults;
  readonly operatorNamespace: string;
  /** Only clusters of this namespace; all unless told. */
  readonly namespace?: string | undefined;
  /** How processes are asked; over HTTP unless told. */
  readonly processes?: ProcessApi | undefined;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What runs in every replica, and what only the leader runs. */
export interface ClusterController {
  /** Local copies; they run in every replica, so that a new leader begins with a warm store. */
  readonly informers: readonly Informer<KubeObject>[];
  /** Works until `signal` aborts. */
  lead(signal: AbortSignal): Promise<void>;
}

/** Builds the controller of OpenIMCluster. Nothing is connected yet. */
export function createClusterController(deps: ClusterControllerDeps): ClusterController {
  const { client, writer, events, background, operator, operatorNamespace, namespace, log, metrics } = deps;
  const clusters = createInformer({ client, type: OPENIM_CLUSTER, namespace, log, metrics });
  const tenants = createInformer({ client, type: OPENIM_TENANT, namespace, log, metrics });
  const children = watchChildren({ client, log, metrics, namespace });
  const processes = deps.processes ?? httpProcessApi(OPS_PORT);
  let controller: Controller | undefined;
  const observer = new Observer({
    processes,
    background,
    log,
    onChange: (key) => controller?.enqueue(key),
  });
  const reconciler = new ClusterReconciler({
    client: writer,
    clusters,
    tenants,
    children,
    applier: createApplier({ client: writer, fieldManager: FIELD_MANAGER, metrics }),
    observer,
    processes,
    events,
    operator,
    operatorNamespace,
  });
  controller = createController({
    name: 'cluster',
    reconcile: (key, signal) => reconciler.reconcile(key, signal),
    log,
    metrics,
    workers: 4,
    // A step that failed is tried again soon enough for status to be true within seconds.
    backoff: { baseMs: 200, maxMs: 5_000 },
  });
  const byInstance = (child: Stored<KubeObject>) => {
    const instance = child.metadata.labels?.['app.kubernetes.io/instance'];
    return instance === undefined ? [] : [`${child.metadata.namespace}/${instance}`];
  };
  controller.watches(clusters);
  controller.watches(tenants, ({ metadata, spec }) => [`${metadata.namespace}/${spec.clusterRef.name}`]);
  for (const informer of Object.values(children)) {
    controller.watches(informer as unknown as Informer<KubeObject>, byInstance);
  }
  children.pods.onChange((before, after) => {
    const pod = after ?? before;
    // Store pods that come and go change what a check would say.
    if (pod) for (const key of byInstance(pod)) observer.recheck(key);
  });
  return {
    informers: [clusters, tenants, ...Object.values(children)] as unknown as readonly Informer<KubeObject>[],
    async lead(signal) {
      await Promise.all([observer.run(signal), controller.run(signal)]);
    },
  };
}
