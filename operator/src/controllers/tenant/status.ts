import { type ProcessStatus, tenantURL } from '@im/contract';
import { type Condition, type Stored, setCondition } from '@im/kube';
import type { OpenIMTenantStatus } from '../../gen/openimtenant.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import { nameOf } from '../../resources/names.ts';
import type { ClientEndpoints } from '../cluster/endpoints.ts';
import type { Refusal } from '../cluster/observation.ts';
import { tenantIdOf } from './create.ts';

/** Input of the status of a tenant. */
export interface TenantStatusInput {
  readonly tenant: Stored<OpenIMTenant>;
  readonly refusal: Refusal | undefined;
  /** Hash of the config with the tenant; undefined while the spec of its cluster is invalid. */
  readonly configHash: string | undefined;
  readonly processes: ReadonlyMap<string, ProcessStatus>;
  /** Fields that are left out because the running services do not know them. */
  readonly leftOut?: readonly string[];
  readonly endpoints: ClientEndpoints;
  readonly now: Date;
}

/** The status of one tenant: ready when all processes that answer have loaded the config with it. */
export function tenantStatus(input: TenantStatusInput): OpenIMTenantStatus {
  const { tenant, endpoints, now } = input;
  const id = tenantIdOf(tenant);
  const generation = tenant.metadata.generation ?? 0;
  const conditions = setCondition(
    (tenant.status?.conditions ?? []) as Condition[],
    { type: 'Ready', observedGeneration: generation, ...readiness(input) },
    now,
  );
  return {
    observedGeneration: generation,
    tenantID: id,
    conditions: conditions as OpenIMTenantStatus['conditions'],
    ...(input.refusal
      ? {}
      : {
          endpoints: { api: tenantURL(endpoints.api, id), webSocket: tenantURL(endpoints.webSocket, id) },
          adminSecretRef: { name: nameOf.admin(tenant.spec.clusterRef.name, id) },
        }),
  };
}

function readiness({ refusal, configHash, processes, tenant, leftOut = [] }: TenantStatusInput) {
  const notReady = (reason: string, message: string) => ({ status: 'False' as const, reason, message });
  if (refusal) return notReady(refusal.reason, refusal.message);
  if (configHash === undefined) {
    const { name } = tenant.spec.clusterRef;
    return notReady(
      'ClusterNotAccepted',
      `The spec of OpenIMCluster ${name} is invalid; see its condition Accepted.`,
    );
  }
  const all = [...processes.values()];
  const current = all.filter((process) => process.configHash === configHash).length;
  if (all.length === 0 || current < all.length) {
    const message = `${current} of ${all.length} processes have loaded its settings; kubelets update mounted files within two minutes.`;
    return notReady('TakingOver', message);
  }
  if (tenant.spec.suspended) {
    return {
      status: 'True' as const,
      reason: 'Suspended',
      message: 'All processes refuse its clients, because spec.suspended is true.',
    };
  }
  if (leftOut.length > 0) {
    const message = `All processes serve the tenant, but without ${leftOut.join(', ')}, which at least one running version does not support; upgrade the cluster.`;
    return { status: 'True' as const, reason: 'SettingsLeftOut', message };
  }
  return {
    status: 'True' as const,
    reason: 'Serving',
    message: 'All processes serve the tenant with these settings.',
  };
}
