import { DEFAULT_ADMIN_USER, DEFAULT_TENANT, SETTINGS_LEVEL } from '@im/contract';
import type { Stored } from '@im/kube';
import type {
  OpenIMTenantNotification,
  OpenIMTenantSpec,
  OpenIMTenantTokenPolicy,
} from '../../gen/openimtenant.ts';
import type { TenantEntry } from '../../resources/config.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import { knownTenantSpec } from '../../resources/settings-level.ts';
import type { Refusal } from '../cluster/observation.ts';

/** The tenants of a cluster: their config entries, and the resources that are not applied. */
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
 * The config entries of the tenants. Of two resources with the same tenant ID or host, the older one gets it. The
 * default tenant always exists; a resource may change its settings.
 * @param level settings level of the services; fields above it are left out.
 */
export function planTenants(
  tenants: readonly Stored<OpenIMTenant>[],
  level: number = SETTINGS_LEVEL,
): TenantPlan {
  const refused = new Map<string, Refusal>();
  const entries = new Map<string, TenantEntry>([
    [DEFAULT_TENANT, { id: DEFAULT_TENANT, adminUserIDs: [DEFAULT_ADMIN_USER] }],
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
    adminUserIDs: [...(adminUserIDs ?? [DEFAULT_ADMIN_USER])],
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

/** A list of overrides as the services' map by content type. */
function notificationsOf(list: readonly OpenIMTenantNotification[]): TenantEntry['notifications'] {
  return Object.fromEntries(list.map(({ contentType, ...override }) => [String(contentType), override]));
}
