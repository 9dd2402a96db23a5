import { type CallerProof, DEFAULT_ADMIN_USER, restartHash } from '@im/contract';
import type { ConfigMap, Deployment, KubeObject, Secret, StatefulSet } from '@im/kube';
import {
  CONNECTION_DIR,
  renderConfig,
  TENANTS_DIR,
  type TenantEntry,
  tenantKeys,
} from '../../resources/config.ts';
import { disruptionBudgets } from '../../resources/disruption-budgets.ts';
import type { EffectiveSpec } from '../../resources/effective.ts';
import { metadataOf, nameOf, type Owner, type Role } from '../../resources/names.ts';
import { networkPolicies } from '../../resources/network-policies.ts';
import { encoded } from '../../resources/secrets.ts';
import { apiService, ingresses, rpcService } from '../../resources/services.ts';
import { endpointsOf } from '../../resources/stores/credentials.ts';
import { storeManifests } from '../../resources/stores/manifests.ts';
import { serviceAccount, type WorkloadInput, workload } from '../../resources/workloads.ts';

/** Input of the objects of a cluster. */
export interface DesiredInput {
  readonly owner: Owner;
  readonly effective: EffectiveSpec;
  /** Passwords of managed stores. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Credentials and connection strings of the stores. */
  readonly connection: Readonly<Record<string, string>>;
  /** Settings of the tenants. */
  readonly tenants: readonly TenantEntry[];
  /** Keys of the tenants. */
  readonly tenantSecrets: Readonly<Record<string, string>>;
  /** Where clients reach objects. */
  readonly objectsURL: string;
  readonly rpcKey: CallerProof;
  readonly operatorNamespace: string;
  readonly restartedAt: string | undefined;
  /** Observed StatefulSets: some of their fields are immutable. */
  readonly statefulSets: readonly StatefulSet[];
}

/** Workloads that are rolled out together, after all stages before. */
export interface Stage {
  readonly name: string;
  readonly workloads: readonly (Deployment | StatefulSet)[];
}

/** All objects of a cluster except the gateways and their Service, which change step by step. */
export interface Desired {
  /** Objects that start or stop no pod. */
  readonly base: readonly KubeObject[];
  /** In rollout order. */
  readonly stages: readonly Stage[];
  readonly gateway: WorkloadInput;
  /** Hash of the config; processes report the hash that they have loaded. */
  readonly configHash: string;
}

/** The objects of a cluster; a pure function. @throws ConfigError for settings that the services would reject. */
export function desiredObjects(input: DesiredInput): Desired {
  const { owner, effective, credentials, connection, tenantSecrets, operatorNamespace } = input;
  const rendered = renderConfig({
    owner,
    effective,
    endpoints: endpointsOf({ owner, effective }),
    tenants: input.tenants,
    files: { ...inDirectory(CONNECTION_DIR, connection), ...inDirectory(TENANTS_DIR, tenantSecrets) },
    objectsURL: input.objectsURL,
    rpcKey: input.rpcKey,
  });
  const configMap: ConfigMap = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadataOf(owner, nameOf.config(owner.name)),
    data: { 'im.yaml': rendered.yaml },
  };
  const stores = storeManifests({
    owner,
    effective,
    credentials,
    existing: input.statefulSets,
    restartedAt: input.restartedAt,
  });
  const workloadInput = (role: Role): WorkloadInput => ({
    owner,
    effective,
    restartHash: restartHash(rendered.config, role),
    restartedAt: input.restartedAt,
  });
  const deployment = (role: Exclude<Role, 'gateway'>) => workload(role, workloadInput(role));
  return {
    base: [
      serviceAccount(owner),
      secretOf(owner, nameOf.connection(owner.name), connection),
      // Admin credentials of a tenant, for users and openimctl.
      ...input.tenants.map(({ id, adminUserIDs = [] }) =>
        secretOf(owner, nameOf.admin(owner.name, id), {
          adminUser: adminUserIDs[0] ?? DEFAULT_ADMIN_USER,
          adminSecret: tenantSecrets[tenantKeys(id).admin] ?? '',
        }),
      ),
      configMap,
      rpcService(owner),
      apiService(owner, effective),
      ...ingresses(owner, effective),
      ...networkPolicies(owner, effective, operatorNamespace),
      ...disruptionBudgets(owner),
      ...stores.filter((manifest) => !isStatefulSet(manifest)),
    ],
    stages: [
      { name: 'stores', workloads: stores.filter(isStatefulSet) },
      { name: 'rpc', workloads: [deployment('rpc')] },
      { name: 'transfer', workloads: [deployment('transfer')] },
      { name: 'push and cron', workloads: [deployment('push'), deployment('cron')] },
      { name: 'api', workloads: [deployment('api')] },
    ],
    gateway: workloadInput('gateway'),
    configHash: rendered.hash,
  };
}

function inDirectory(dir: string, values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [`${dir}/${key}`, value]));
}

function secretOf(owner: Owner, name: string, values: Readonly<Record<string, string>>): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'Opaque',
    metadata: metadataOf(owner, name),
    data: encoded(values),
  };
}

function isStatefulSet(manifest: KubeObject): manifest is StatefulSet {
  return manifest.kind === 'StatefulSet';
}
