import type { Metrics } from '@im/kit';
import {
  type Applier,
  beyondStatus,
  createController,
  type Informer,
  type KubeClient,
  type KubeObject,
  keyOf,
  type Secret,
} from '@im/kube';
import type { Logger } from '@im/process';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import type { Observer } from '../cluster/observation/observer.ts';
import type { ProcessApi } from '../cluster/observation/process-api.ts';
import { AdminSecrets } from './admin-secrets.ts';
import { type AdmissionDeps, TenantAdmission } from './admission.ts';
import { TenantDelivery } from './delivery.ts';
import { clusterKeyOf } from './identity.ts';
import { TenantReconciler } from './reconcile.ts';
import { TenantUsage, USAGE_MS } from './usage.ts';
import { usageMetrics } from './usage-metrics.ts';

/** Interval between looks for processes without the wanted tenants, such as restarted ones, ms. */
const LOOK_MS = 2_000;
/** Interval between looks at the usage of tenants before the first answer, ms. */
const FIRST_USAGE_MS = 5_000;

export interface TenantControllerDeps extends AdmissionDeps {
  /** Indexed by `tenantIndexes`. */
  readonly tenants: Informer<OpenIMTenant>;
  /** Metadata of all Secrets, and the Secrets of the operator. */
  readonly secrets: { readonly all: Informer<KubeObject>; readonly own: Informer<Secret> };
  readonly observer: Pick<Observer, 'processesOf'>;
  readonly processes: Pick<ProcessApi, 'tenants' | 'purgeTenant' | 'tenantUsage' | 'tenantRefusals'>;
  /** For writes, while this replica leads. */
  readonly client: KubeClient;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What reconciles clusters shares with the tenants' controller during one term of leadership. */
export interface TenantTerm {
  readonly tenants: TenantReconciler;
  readonly delivery: TenantDelivery;
  readonly usage: TenantUsage;
  /** Has changed tenants delivered to the processes of a cluster. */
  readonly deliver: (cluster: string) => void;
}

/** The controller of OpenIMTenant: one queue for their statuses, another for delivery to processes. */
export interface TenantController {
  /** What decides which tenants may use a cluster has changed. */
  admissionChanged(cluster: string): void;
  /** Starts with nothing known. */
  beginTerm(applier: Applier): TenantTerm;
  /** Reconciles until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Creates the controller of OpenIMTenant. It does nothing before a term begins. */
export function createTenantController(deps: TenantControllerDeps): TenantController {
  const { tenants, secrets, observer, processes, client, log, metrics } = deps;
  let term: TenantTerm | undefined;

  const statuses = createController({
    name: 'tenant',
    reconcile: async (key, signal) => term?.tenants.reconcile(key, signal),
    log,
    metrics,
    workers: 4,
    backoff: { baseMs: 200, maxMs: 30_000 },
  });
  const deliveries = createController({
    name: 'tenant-delivery',
    async reconcile(cluster, signal) {
      const complete = await term?.delivery.deliver(cluster, observer.processesOf(cluster), signal);
      term?.tenants.enqueuePending(cluster);
      if (complete === false) throw new Error('not all processes have the changed tenants');
      return complete === undefined ? {} : { requeueAfterMs: LOOK_MS };
    },
    log,
    metrics,
    workers: 8,
    backoff: { baseMs: 500, maxMs: 10_000 },
  });
  const showUsage = usageMetrics(metrics);
  /** Clusters that are looked at by themselves. */
  const looked = new Set<string>();
  const looks = createController({
    name: 'tenant-usage',
    async reconcile(cluster, signal) {
      if (!term?.delivery.knows(cluster)) {
        looked.delete(cluster);
        term?.usage.forget(cluster);
        showUsage(cluster, []);
        return {};
      }
      const { usage, delivery, tenants: reconciler } = term;
      const key = delivery.keyOf(cluster);
      if (key !== undefined && (await usage.look(cluster, observer.processesOf(cluster), key, signal))) {
        reconciler.enqueueUsage(cluster);
        showUsage(cluster, reconciler.measures(cluster));
      }
      return { requeueAfterMs: usage.knows(cluster) ? USAGE_MS * (1 + Math.random() / 5) : FIRST_USAGE_MS };
    },
    log,
    metrics,
    workers: 4,
    backoff: { baseMs: 5_000, maxMs: USAGE_MS },
  });
  statuses.watches(tenants, undefined, beyondStatus);
  tenants.onChange((before, after) => {
    if (!beyondStatus(before, after)) return;
    const clusters = [before, after].flatMap((tenant) => (tenant ? clusterKeyOf(tenant) : []));
    for (const cluster of new Set(clusters)) term?.tenants.changed(cluster);
  });
  // One that a person removed is made again.
  secrets.own.onChange((before, after) => {
    if (after || !before) return;
    for (const { kind, name } of before.metadata.ownerReferences ?? [])
      if (kind === 'OpenIMTenant') statuses.enqueue(keyOf({ namespace: before.metadata.namespace, name }));
  });
  return {
    admissionChanged(cluster) {
      term?.tenants.changed(cluster);
      term?.tenants.enqueuePending(cluster);
    },
    beginTerm(applier) {
      looked.clear();
      const delivery = new TenantDelivery(processes, log, metrics);
      const usage = new TenantUsage(processes, log, metrics);
      const reconciler = new TenantReconciler({
        tenants,
        applier,
        observer,
        delivery,
        usage,
        admission: new TenantAdmission(deps),
        secrets: new AdminSecrets({ applier, ...secrets }),
        client,
        processes,
        enqueue: statuses.enqueue,
      });
      const deliver = (cluster: string) => {
        deliveries.enqueue(cluster);
        if (!looked.has(cluster)) looks.enqueue(cluster);
        looked.add(cluster);
      };
      term = { tenants: reconciler, delivery, usage, deliver };
      return term;
    },
    async run(signal) {
      await Promise.all([statuses.run(signal), deliveries.run(signal), looks.run(signal)]);
    },
  };
}
