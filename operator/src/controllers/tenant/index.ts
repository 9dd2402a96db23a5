import type { Metrics } from '@im/kit';
import { type Applier, beyondStatus, createController, type Informer, type KubeClient } from '@im/kube';
import type { Logger } from '@im/process';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import type { Observer } from '../cluster/observer.ts';
import type { ProcessApi } from '../cluster/process-api.ts';
import { TenantDelivery } from './delivery.ts';
import { clusterKeyOf, TenantReconciler } from './reconcile.ts';

/** Interval between looks for processes without the wanted tenants, such as restarted ones, ms. */
const LOOK_MS = 2_000;

export interface TenantControllerDeps {
  /** Indexed by `tenantIndexes`. */
  readonly tenants: Informer<OpenIMTenant>;
  readonly observer: Pick<Observer, 'processesOf'>;
  readonly processes: Pick<ProcessApi, 'tenants' | 'purgeTenant'>;
  /** For writes, while this replica leads. */
  readonly client: KubeClient;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** What reconciles clusters shares with the tenants' controller during one term of leadership. */
export interface TenantTerm {
  readonly tenants: TenantReconciler;
  readonly delivery: TenantDelivery;
  /** Has changed tenants delivered to the processes of a cluster. */
  readonly deliver: (cluster: string) => void;
}

/** The controller of OpenIMTenant: one queue for their statuses, another for delivery to processes. */
export interface TenantController {
  /** Starts with nothing known. */
  beginTerm(applier: Applier): TenantTerm;
  /** Reconciles until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

/** Creates the controller of OpenIMTenant. It does nothing before a term begins. */
export function createTenantController(deps: TenantControllerDeps): TenantController {
  const { tenants, observer, processes, client, log, metrics } = deps;
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
  statuses.watches(tenants, undefined, beyondStatus);
  tenants.onChange((before, after) => {
    if (!beyondStatus(before, after)) return;
    const clusters = [before, after].flatMap((tenant) => (tenant ? clusterKeyOf(tenant) : []));
    for (const cluster of new Set(clusters)) term?.tenants.changed(cluster);
  });
  return {
    beginTerm(applier) {
      const delivery = new TenantDelivery(processes, log, metrics);
      const reconciler = new TenantReconciler({
        tenants,
        applier,
        observer,
        delivery,
        client,
        processes,
        enqueue: statuses.enqueue,
      });
      term = { tenants: reconciler, delivery, deliver: deliveries.enqueue };
      return term;
    },
    async run(signal) {
      await Promise.all([statuses.run(signal), deliveries.run(signal)]);
    },
  };
}
