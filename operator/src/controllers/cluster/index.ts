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
import type { Logger, TaskRunner } from '@im/process';
import type { OperatorDefaults } from '../../resources/effective.ts';
import { OPENIM_CLUSTER, OPENIM_TENANT } from '../../resources/kinds.ts';
import { FIELD_MANAGER, OPS_PORT } from '../../resources/names.ts';
import { watchChildren } from './children.ts';
import { httpProcessApi, Observer, type ProcessApi } from './observer.ts';
import { ClusterReconciler } from './reconcile.ts';

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
  /** How processes are reached. @default over HTTP */
  readonly processes?: ProcessApi | undefined;
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
  const clusters = createInformer({ client, type: OPENIM_CLUSTER, namespace, log, metrics });
  const tenants = createInformer({ client, type: OPENIM_TENANT, namespace, log, metrics });
  const children = watchChildren({ client, log, metrics, namespace });
  const processes = deps.processes ?? httpProcessApi(OPS_PORT);
  let controller: Controller | undefined;
  const observer = new Observer({
    processes,
    tasks,
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
    // Short retries keep status up to date within seconds.
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
    // A change of a store pod may change the result of its check.
    if (pod) for (const key of byInstance(pod)) observer.recheck(key);
  });
  return {
    informers: [clusters, tenants, ...Object.values(children)] as unknown as readonly Informer<KubeObject>[],
    async lead(signal) {
      await Promise.all([observer.run(signal), controller.run(signal)]);
    },
  };
}
