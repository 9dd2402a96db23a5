import { type ProcessStatus, SETTINGS_LEVEL } from '@im/contract';
import { type Condition, type Stored, setCondition } from '@im/kube';
import type {
  OpenIMTenantNotification,
  OpenIMTenantSpec,
  OpenIMTenantStatus,
  OpenIMTenantTokenPolicy,
} from '../../gen/openimtenant.ts';
import type { TenantEntry } from '../../resources/config.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import { DEFAULT_TENANT_ID, nameOf } from '../../resources/names.ts';
import { knownTenantSpec } from '../../resources/settings-level.ts';
import type { ClientEndpoints } from './endpoints.ts';
import type { Refusal } from './status-input.ts';

/** Admin of a tenant that names none. */
export const ADMIN_USER = 'imAdmin';

/** The tenants of a cluster: what the services are told, and which resources are not carried out. */
export interface TenantPlan {
  readonly entries: readonly TenantEntry[];
  /** By uid of the resource. */
  readonly refused: ReadonlyMap<string, Refusal>;
}

/** Name of a tenant in URLs and tokens. */
export function tenantIdOf({ metadata, spec }: Stored<OpenIMTenant>): string {
  return spec.tenantID ?? metadata.name;
}

/**
 * What the services are told of the tenants. Of two resources that ask for the same name or host, the
 * older one gets it. The default tenant is always there; a resource may change its settings.
 * @param level of the settings that the services know; what they would refuse is left out.
 */
export function planTenants(
  tenants: readonly Stored<OpenIMTenant>[],
  level: number = SETTINGS_LEVEL,
): TenantPlan {
  const refused = new Map<string, Refusal>();
  const entries = new Map<string, TenantEntry>([
    [DEFAULT_TENANT_ID, { id: DEFAULT_TENANT_ID, adminUserIDs: [ADMIN_USER] }],
  ]);
  const owners = new Map<string, string>();
  const hosts = new Map<string, string>();
  const byAge = [...tenants].sort(
    (a, b) => ageOf(a) - ageOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1),
  );
  for (const tenant of byAge) {
    const id = tenantIdOf(tenant);
    const { name, uid } = tenant.metadata;
    const refuse = (reason: string, message: string) => refused.set(uid, { reason, message });
    const other = owners.get(id);
    if (other !== undefined) {
      refuse('TenantIDTaken', `spec.tenantID: ${id} belongs to OpenIMTenant ${other}; choose another one`);
      continue;
    }
    if (!TENANT_ID.test(id)) {
      refuse(
        'InvalidTenantID',
        `spec.tenantID: ${id} is not a name of a-z, 0-9 and -; set one, as metadata.name is none`,
      );
      continue;
    }
    const taken = (tenant.spec.hosts ?? []).find((host) => hosts.has(host));
    if (taken !== undefined) {
      refuse(
        'HostTaken',
        `spec.hosts: ${taken} belongs to OpenIMTenant ${hosts.get(taken)}; remove it from one of them`,
      );
      continue;
    }
    owners.set(id, name);
    for (const host of tenant.spec.hosts ?? []) hosts.set(host, name);
    entries.set(id, entryOf(id, knownTenantSpec(tenant.spec, level).spec));
  }
  return { entries: [...entries.values()], refused };
}

const TENANT_ID = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function ageOf({ metadata }: Stored<OpenIMTenant>): number {
  return Date.parse(metadata.creationTimestamp ?? '');
}

function entryOf(id: string, spec: OpenIMTenantSpec): TenantEntry {
  const { hosts, adminUserIDs, placement, tokenPolicy, friendVerify, suspended, quotas } = spec;
  const { adminNicknames, searchByAdminsOnly, enableHistoryForNewMembers, userLimits, notifications } = spec;
  const multiLogin = multiLoginOf(tokenPolicy);
  return {
    id,
    adminUserIDs: [...(adminUserIDs ?? [ADMIN_USER])],
    ...(hosts === undefined ? {} : { hosts: [...hosts] }),
    ...(adminNicknames === undefined ? {} : { adminNicknames: [...adminNicknames] }),
    ...(placement === undefined ? {} : { placement }),
    ...(tokenPolicy?.expireDays === undefined ? {} : { tokenExpireDays: tokenPolicy.expireDays }),
    ...(multiLogin === undefined ? {} : { multiLogin }),
    ...(friendVerify === undefined ? {} : { friendVerify }),
    ...(searchByAdminsOnly === undefined ? {} : { searchByAdminsOnly }),
    ...(enableHistoryForNewMembers === undefined ? {} : { enableHistoryForNewMembers }),
    ...(suspended === undefined ? {} : { suspended }),
    ...(quotas === undefined ? {} : { quotas: { ...quotas } }),
    ...(userLimits === undefined ? {} : { userLimits: { ...userLimits } }),
    ...(notifications === undefined ? {} : { notifications: notificationsOf(notifications) }),
  };
}

function multiLoginOf(policy: OpenIMTenantTokenPolicy = {}): TenantEntry['multiLogin'] {
  const { multiLogin, maxTokensPerPlatform } = policy;
  if (multiLogin === undefined && maxTokensPerPlatform === undefined) return undefined;
  return {
    ...(multiLogin === undefined ? {} : { policy: multiLogin }),
    ...(maxTokensPerPlatform === undefined ? {} : { maxNumOneEnd: maxTokensPerPlatform }),
  };
}

/** The services' map by content type of a list of overrides. */
function notificationsOf(list: readonly OpenIMTenantNotification[]): TenantEntry['notifications'] {
  return Object.fromEntries(list.map(({ contentType, ...override }) => [String(contentType), override]));
}

/** What a tenant's status is made of. */
export interface TenantStatusInput {
  readonly tenant: Stored<OpenIMTenant>;
  readonly refusal: Refusal | undefined;
  /** Name of the config that holds the tenant; undefined while the cluster's spec cannot be carried out. */
  readonly configHash: string | undefined;
  readonly processes: ReadonlyMap<string, ProcessStatus>;
  /** Fields that the running services would refuse, and are not told. */
  readonly leftOut?: readonly string[];
  readonly endpoints: ClientEndpoints;
  readonly now: Date;
}

/** The status of one tenant: ready when every process that can be asked has the config that holds it. */
export function tenantStatus(input: TenantStatusInput): OpenIMTenantStatus {
  const { tenant, endpoints, now } = input;
  const id = tenantIdOf(tenant);
  const generation = tenant.metadata.generation ?? 0;
  const conditions = setCondition(
    (tenant.status?.conditions ?? []) as Condition[],
    { type: 'Ready', observedGeneration: generation, ...readiness(input) },
    now,
  );
  const path = id === DEFAULT_TENANT_ID ? '' : `/t/${id}`;
  return {
    observedGeneration: generation,
    tenantID: id,
    conditions: conditions as OpenIMTenantStatus['conditions'],
    ...(input.refusal
      ? {}
      : {
          endpoints: { api: `${endpoints.api}${path}`, webSocket: `${endpoints.webSocket}${path}` },
          adminSecretRef: { name: nameOf.admin(tenant.spec.clusterRef.name, id) },
        }),
  };
}

function readiness({ refusal, configHash, processes, tenant, leftOut = [] }: TenantStatusInput) {
  const no = (reason: string, message: string) => ({ status: 'False' as const, reason, message });
  if (refusal) return no(refusal.reason, refusal.message);
  if (configHash === undefined) {
    const { name } = tenant.spec.clusterRef;
    return no(
      'ClusterNotAccepted',
      `OpenIMCluster ${name} cannot be carried out; see its condition Accepted`,
    );
  }
  const all = [...processes.values()];
  const current = all.filter((process) => process.configHash === configHash).length;
  if (all.length === 0 || current < all.length) {
    const message = `${current} of ${all.length} processes have taken its settings over; kubelets renew mounted files within two minutes`;
    return no('TakingOver', message);
  }
  if (tenant.spec.suspended) {
    return {
      status: 'True' as const,
      reason: 'Suspended',
      message: 'Every process refuses it, as the spec says.',
    };
  }
  if (leftOut.length > 0) {
    const message = `Every process serves it, but without ${leftOut.join(', ')}, which not every running version knows; upgrade the cluster`;
    return { status: 'True' as const, reason: 'SettingsLeftOut', message };
  }
  return {
    status: 'True' as const,
    reason: 'Serving',
    message: 'Every process serves it with these settings.',
  };
}
