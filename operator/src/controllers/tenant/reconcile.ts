import { SETTINGS_LEVEL } from '@im/contract';
import { type Applier, type Informer, parseKey, type Stored } from '@im/kube';
import { OPENIM_TENANT, type OpenIMTenant } from '../../resources/kinds.ts';
import { API_VERSION } from '../../resources/names.ts';
import { knownTenantSpec } from '../../resources/settings-level.ts';
import type { ClientEndpoints } from '../cluster/endpoints.ts';
import type { Observation, Refusal } from '../cluster/observation.ts';
import type { Observer } from '../cluster/observer.ts';
import { planTenants, type TenantPlan } from './create.ts';
import { tenantStatus } from './status.ts';

/** Dependencies of {@link TenantReconciler}. */
export interface TenantDeps {
  readonly tenants: Informer<OpenIMTenant>;
  readonly applier: Applier;
  readonly observer: Observer;
}

/** Outcome of a reconcile of the cluster, on which the status of its tenants depends. */
export interface TenantContext {
  /** Hash of the applied config; undefined when none was applied. */
  readonly configHash: string | undefined;
  /** Settings level of the services. */
  readonly settingsLevel: number;
  readonly endpoints: ClientEndpoints;
}

const NO_ENDPOINTS: ClientEndpoints = { api: '', webSocket: '', objectStorage: '' };

/**
 * Reconciles OpenIMTenants. All tenants of a cluster are part of its one config, so they are reconciled together, as
 * part of the reconcile of their cluster.
 */
export class TenantReconciler {
  readonly #deps: TenantDeps;

  constructor(deps: TenantDeps) {
    this.#deps = deps;
  }

  /** The config entries of the tenants of the cluster `namespace/name`, for services of this settings level. */
  plan(cluster: string, level: number): TenantPlan {
    return planTenants(this.#tenantsOf(cluster), level);
  }

  /** Writes the status of all tenants of a cluster. */
  async writeStatuses(cluster: string, context: TenantContext, signal: AbortSignal): Promise<void> {
    const { refused } = this.plan(cluster, context.settingsLevel);
    for (const tenant of this.#tenantsOf(cluster)) {
      const { processes } = this.#deps.observer.observationOf(cluster);
      await this.#writeStatus(tenant, refused.get(tenant.metadata.uid), context, processes, signal);
    }
  }

  /** Writes the status of tenants whose cluster does not exist. */
  async clusterGone(cluster: string, signal: AbortSignal): Promise<void> {
    const { name, namespace } = parseKey(cluster);
    const message = `spec.clusterRef: OpenIMCluster ${name} does not exist in namespace ${namespace}; create it`;
    const refusal = { reason: 'ClusterMissing', message };
    const context = { configHash: undefined, settingsLevel: SETTINGS_LEVEL, endpoints: NO_ENDPOINTS };
    for (const tenant of this.#tenantsOf(cluster)) {
      await this.#writeStatus(tenant, refusal, context, new Map(), signal);
    }
  }

  async #writeStatus(
    tenant: Stored<OpenIMTenant>,
    refusal: Refusal | undefined,
    { configHash, settingsLevel, endpoints }: TenantContext,
    processes: Observation['processes'],
    signal: AbortSignal,
  ): Promise<void> {
    const { leftOut } = knownTenantSpec(tenant.spec, settingsLevel);
    const now = new Date();
    const status = tenantStatus({ tenant, refusal, configHash, leftOut, endpoints, processes, now });
    const { name, namespace } = tenant.metadata;
    // Status alone: the operator must own no field of the spec.
    const object = { apiVersion: API_VERSION, kind: 'OpenIMTenant', metadata: { name, namespace }, status };
    await this.#deps.applier.applyStatus(OPENIM_TENANT, object as unknown as OpenIMTenant, tenant, {
      signal,
    });
  }

  #tenantsOf(cluster: string): Stored<OpenIMTenant>[] {
    const { name, namespace } = parseKey(cluster);
    return this.#deps.tenants
      .list(namespace)
      .filter(
        ({ metadata, spec }) => spec.clusterRef.name === name && metadata.deletionTimestamp === undefined,
      );
  }
}
