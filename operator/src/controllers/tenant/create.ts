import { DEFAULT_ADMIN_USER, DEFAULT_TENANT, SETTINGS_LEVEL } from '@im/contract';
import type { Stored } from '@im/kube';
import type { OpenIMTenantKeys } from '../../gen/openimtenant.ts';
import type { TenantEntry } from '../../resources/config.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import type { Refusal } from '../cluster/observation.ts';
import { judgeTenant, tenantIdOf } from './entry.ts';

/** The tenants of a cluster: their config entries, and the resources that are not applied. */
export interface TenantPlan {
  readonly entries: readonly TenantEntry[];
  /** By uid of the resource. */
  readonly refused: ReadonlyMap<string, Refusal>;
  /** Tenant ID by uid of the resource, of those that are applied. */
  readonly idOf: ReadonlyMap<string, string>;
  /** By uid of the resource: sections that are not applied because of their credentials. */
  readonly broken: ReadonlyMap<string, Refusal>;
  /** What is asked of generated keys, by tenant ID. */
  readonly keys: ReadonlyMap<string, OpenIMTenantKeys>;
  /** Credentials that the entries refer to, by key of the Secret of tenants. */
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * The config entries of the tenants. Of two resources with the same tenant ID or host, the older one gets it. The
 * default tenant always exists; a resource may change its settings. What the services would reject is refused alone, and
 * so are the youngest tenants when there is no room for all.
 * @param level settings level of the services; fields above it are left out.
 * @param judge as {@link judgeTenant}; it may remember.
 * @param purging tenants whose data are being removed, by ID.
 */
export function planTenants(
  tenants: readonly Stored<OpenIMTenant>[],
  level: number = SETTINGS_LEVEL,
  judge: typeof judgeTenant = judgeTenant,
  purging: ReadonlyMap<string, Purging> = new Map(),
): TenantPlan {
  const refused = new Map<string, Refusal>();
  const entries = new Map<string, TenantEntry>([
    [DEFAULT_TENANT, { id: DEFAULT_TENANT, adminUserIDs: [DEFAULT_ADMIN_USER] }],
  ]);
  const idOf = new Map<string, string>();
  const broken = new Map<string, Refusal>();
  const keys = new Map<string, OpenIMTenantKeys>();
  const secrets: Record<string, string> = {};
  const owners = new Map<string, string>();
  const hosts = new Map<string, string>();
  const byAge = [...tenants].sort(
    (a, b) => ageOf(a) - ageOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1),
  );
  let bytes = 0;
  let secretBytes = 0;
  for (const tenant of byAge) {
    const id = tenantIdOf(tenant);
    const { name, uid } = tenant.metadata;
    const refuse = (reason: string, message: string) => refused.set(uid, { reason, message });
    const gone = purging.get(id);
    if (gone && ageOf(tenant) > gone.at.getTime()) {
      refuse(
        'TenantIDTaken',
        `spec.tenantID: what OpenIMTenant ${gone.name} stored under ${id} is being removed; wait until that resource is gone, or choose another ID`,
      );
      continue;
    }
    const other = owners.get(id);
    if (other !== undefined) {
      refuse(
        'TenantIDTaken',
        `spec.tenantID: ${id} is already used by OpenIMTenant ${other}; choose another ID`,
      );
      continue;
    }
    if (!TENANT_ID.test(id)) {
      refuse(
        'InvalidTenantID',
        `spec.tenantID: metadata.name ${id} is not a valid tenant ID (a-z, 0-9 and -, at most 63 characters); set spec.tenantID`,
      );
      continue;
    }
    const taken = (tenant.spec.hosts ?? []).find((host) => hosts.has(host));
    if (taken !== undefined) {
      refuse(
        'HostTaken',
        `spec.hosts: ${taken} is already used by OpenIMTenant ${hosts.get(taken)}; remove it from one of them`,
      );
      continue;
    }
    const { entry, fault, bytes: entryBytes, ...judged } = judge(tenant, level);
    if (fault !== undefined) {
      refuse('InvalidSettings', fault);
      continue;
    }
    const cluster = `the tenants of OpenIMCluster ${tenant.spec.clusterRef.name}`;
    if (bytes + entryBytes > MAX_BYTES) {
      refuse(
        'ClusterFull',
        `spec.clusterRef: ${cluster} fill its config (${MAX_BYTES} bytes); delete unused ones, shorten their settings, or use another cluster`,
      );
      continue;
    }
    if (secretBytes + judged.secretBytes > MAX_SECRET_BYTES) {
      refuse(
        'ClusterFull',
        `spec.clusterRef: the keys and credentials of ${cluster} fill its Secret (${MAX_SECRET_BYTES} bytes); delete unused ones, or use another cluster`,
      );
      continue;
    }
    bytes += entryBytes;
    secretBytes += judged.secretBytes;
    Object.assign(secrets, judged.secrets);
    if (judged.broken) broken.set(uid, judged.broken);
    owners.set(id, name);
    idOf.set(uid, id);
    if (tenant.spec.keys) keys.set(id, tenant.spec.keys);
    for (const host of tenant.spec.hosts ?? []) hosts.set(host, name);
    entries.set(id, entry);
  }
  return { entries: [...entries.values()], refused, idOf, broken, keys, secrets };
}

/** A tenant that is being deleted, and whose data are removed from a time on. */
export interface Purging {
  /** Name of the resource. */
  readonly name: string;
  readonly at: Date;
}

/** Bytes that the entries of all tenants may take in the config, which is a ConfigMap of at most 1 MiB. */
const MAX_BYTES = 900_000;
/** Bytes that their keys and credentials may take in one Secret. */
const MAX_SECRET_BYTES = 900_000;

const TENANT_ID = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function ageOf({ metadata }: Stored<OpenIMTenant>): number {
  return Date.parse(metadata.creationTimestamp ?? '');
}
