import { SETTINGS_LEVEL } from '@im/contract';
import { type Applier, type Informer, parseKey, type Stored } from '@im/kube';
import { OPENIM_TENANT, type OpenIMTenant } from '../../resources/kinds.ts';
import { API_VERSION } from '../../resources/names.ts';
import { knownTenantSpec } from '../../resources/settings-level.ts';
import type { ClientEndpoints } from './endpoints.ts';
import type { Observer } from './observer.ts';
import type { Refusal } from './status-input.ts';
import { planTenants, type TenantPlan, tenantStatus } from './tenants.ts';

/** What the cluster of tenants has come to. */
export interface TenantsNow {
  readonly configHash: string | undefined;
  /** Level of the settings that its services know. */
  readonly settingsLevel: number;
  readonly endpoints: ClientEndpoints;
}

const NOWHERE: ClientEndpoints = { api: '', webSocket: '', objectStorage: '' };

/** The tenants of clusters, and what is told of them. */
export class TenantStatuses {
  readonly #tenants: Informer<OpenIMTenant>;
  readonly #applier: Applier;
  readonly #observer: Observer;

  constructor(deps: {
    readonly tenants: Informer<OpenIMTenant>;
    readonly applier: Applier;
    readonly observer: Observer;
  }) {
    this.#tenants = deps.tenants;
    this.#applier = deps.applier;
    this.#observer = deps.observer;
  }

  /** The tenants of the cluster `namespace/name`, for services that know this level of settings. */
  plan(cluster: string, level: number): TenantPlan {
    return planTenants(this.#of(cluster), level);
  }

  /** Tells each tenant of a cluster how it stands. */
  async write(cluster: string, now: TenantsNow, signal: AbortSignal): Promise<void> {
    const { refused } = this.plan(cluster, now.settingsLevel);
    for (const tenant of this.#of(cluster)) {
      await this.#write(
        tenant,
        refused.get(tenant.metadata.uid),
        now,
        this.#observer.seen(cluster).processes,
        signal,
      );
    }
  }

  /** Tells the tenants of a cluster that there is none. */
  async clusterGone(cluster: string, signal: AbortSignal): Promise<void> {
    const { name, namespace } = parseKey(cluster);
    const message = `spec.clusterRef: there is no OpenIMCluster ${name} in namespace ${namespace}; create it`;
    const refusal = { reason: 'ClusterMissing', message };
    const now = { configHash: undefined, settingsLevel: SETTINGS_LEVEL, endpoints: NOWHERE };
    for (const tenant of this.#of(cluster)) await this.#write(tenant, refusal, now, new Map(), signal);
  }

  async #write(
    tenant: Stored<OpenIMTenant>,
    refusal: Refusal | undefined,
    { configHash, settingsLevel, endpoints }: TenantsNow,
    processes: ReturnType<Observer['seen']>['processes'],
    signal: AbortSignal,
  ): Promise<void> {
    const { leftOut } = knownTenantSpec(tenant.spec, settingsLevel);
    const now = new Date();
    const status = tenantStatus({ tenant, refusal, configHash, leftOut, endpoints, processes, now });
    const { name, namespace } = tenant.metadata;
    // Status alone: no field of the spec becomes the operator's.
    const object = { apiVersion: API_VERSION, kind: 'OpenIMTenant', metadata: { name, namespace }, status };
    await this.#applier.applyStatus(OPENIM_TENANT, object as unknown as OpenIMTenant, tenant, { signal });
  }

  #of(cluster: string): Stored<OpenIMTenant>[] {
    const { name, namespace } = parseKey(cluster);
    return this.#tenants
      .list(namespace)
      .filter(
        ({ metadata, spec }) => spec.clusterRef.name === name && metadata.deletionTimestamp === undefined,
      );
  }
}
