import { DEFAULT_ADMIN_USER, DEFAULT_TENANT, PROBE_TENANT, SETTINGS_LEVEL } from '@im/contract';
import type { Stored } from '@im/kube';
import type { OpenIMTenantKeys } from '../../gen/openimtenant.ts';
import type { TenantEntry } from '../../resources/config.ts';
import type { OpenIMTenant } from '../../resources/kinds.ts';
import { preferredShard, type Shard } from '../../resources/tenant-shards.ts';
import type { Refusal } from '../cluster/observation/observation.ts';
import type { Admitted, ClassInForce } from './admission.ts';
import { type JudgedTenant, judgeTenant } from './entry.ts';
import { isElsewhere, tenantIdOf } from './identity.ts';
import { type Placed, Room } from './room.ts';
import type { EntryInForce } from './settings-in-force.ts';
import { clampedEntry } from './tenant-class.ts';

/** The tenants of a cluster: their config entries, and the resources that are not applied. */
export interface TenantPlan {
  readonly entries: readonly TenantEntry[];
  /** By uid of the resource. One that is also `inForce` keeps earlier settings. */
  readonly refused: ReadonlyMap<string, Refusal>;
  /** By uid of the resource: what its entry was made of. */
  readonly inForce: ReadonlyMap<string, PlannedTenant>;
  /** By uid of the resource: sections that are not applied because of their credentials. */
  readonly broken: ReadonlyMap<string, Refusal>;
  /** What is asked of generated keys, by tenant ID. */
  readonly keys: ReadonlyMap<string, OpenIMTenantKeys>;
  /** Namespaces of tenants that are in another one than the cluster, by tenant ID. */
  readonly namespaces: ReadonlyMap<string, string>;
  /** Classes by uid of the resource. */
  readonly classes: ReadonlyMap<string, ClassInForce>;
  /** Credentials that the entries refer to, by key of the Secret of tenants. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The same entries and credentials by shard. */
  readonly shards: readonly Shard[];
}

/** A tenant with an entry in the config. */
export interface PlannedTenant extends EntryInForce, Placed {
  /** Generation of the resource that the entry was made of; undefined when that is not known. */
  readonly generation: number | undefined;
}

/** Surroundings of a plan. */
export interface PlanOptions {
  /** Settings level of the services; fields above it are left out. @default the level of this version */
  readonly level?: number;
  /** Number of shards for their settings. @default 1 */
  readonly shards?: number;
  /** As {@link judgeTenant}; it may remember. @default judgeTenant */
  readonly judge?: typeof judgeTenant;
  /** Tenants whose data are being removed, by ID. @default none */
  readonly purging?: ReadonlyMap<string, Purging>;
  /** Whether a resource may use the cluster, and with which settings. @default as it says */
  readonly admit?: (tenant: Stored<OpenIMTenant>) => Admitted;
  /** Why a resource may not have its tenant ID, because of what is stored under it. @default it may */
  readonly idTaken?: (tenant: Stored<OpenIMTenant>) => Refusal | undefined;
  /** What a resource has in force already, in one of these shards. @default nothing */
  readonly inForce?: (tenant: Stored<OpenIMTenant>) => PlannedTenant | undefined;
}

/**
 * The config entries of the tenants. Of two resources with the same tenant ID the older one gets it; of two with the same
 * host the one that has it in force, and otherwise the older one. The default tenant always exists; a resource may change
 * its settings. What the services would reject is refused alone, and so is what exceeds the room for all tenants: the
 * youngest, and changes before those whose settings are in force. A resource whose change is refused keeps what it has
 * in force, except that it is suspended if the change says so.
 */
export function planTenants(
  tenants: readonly Stored<OpenIMTenant>[],
  {
    level = SETTINGS_LEVEL,
    shards = 1,
    judge = judgeTenant,
    purging = new Map(),
    admit = (tenant) => ({ tenant }),
    idTaken = () => undefined,
    inForce: before = () => undefined,
  }: PlanOptions = {},
): TenantPlan {
  const refused = new Map<string, Refusal>();
  const broken = new Map<string, Refusal>();
  const keys = new Map<string, OpenIMTenantKeys>();
  const classes = new Map<string, ClassInForce>();
  const owners = new Map<string, Stored<OpenIMTenant>>();
  const byAge = [...tenants].sort(
    (a, b) => ageOf(a) - ageOf(b) || (a.metadata.name < b.metadata.name ? -1 : 1),
  );
  const candidates: Candidate[] = [];
  for (const tenant of byAge) {
    const id = tenantIdOf(tenant);
    const { uid } = tenant.metadata;
    const admitted = admit(tenant);
    // One that may not use the cluster takes no ID from others.
    const refusal = admitted.denied ?? idRefusal(tenant, purging.get(id), owners.get(id)) ?? idTaken(tenant);
    if (refusal) {
      refused.set(uid, refusal);
      continue;
    }
    owners.set(id, tenant);
    const found = before(tenant);
    const { class: inClass } = admitted;
    if (inClass) classes.set(uid, inClass);
    const kept = found && inClass ? { ...found, entry: clampedEntry(found.entry, inClass.spec) } : found;
    candidates.push({ tenant, refusal: admitted.refusal, judged: judge(admitted.tenant, level), kept });
  }
  const holders = hostHolders(candidates);
  const [cluster = ''] = tenants.map(({ spec }) => spec.clusterRef.name);
  const room = new Room(
    shards,
    cluster,
    candidates.flatMap(({ kept }) => kept ?? []),
  );
  const planned = new Map<Candidate, PlannedTenant>();
  const settle = (candidate: Candidate): Refusal | undefined => {
    const { tenant, judged, kept } = candidate;
    if (candidate.refusal) return candidate.refusal;
    const { entry, secrets, bytes, secretBytes, fault } = judged;
    if (fault !== undefined) return { reason: 'InvalidSettings', message: fault };
    const taken = (tenant.spec.hosts ?? []).find((host) => holders.get(host) !== candidate);
    if (taken !== undefined) {
      const message = `spec.hosts: ${taken} is already used by OpenIMTenant ${displayName(holders.get(taken)?.tenant, tenant)}; remove it from one of them`;
      return { reason: 'HostTaken', message };
    }
    const shard = room.take(entry.id, { bytes, secretBytes }, kept);
    if (typeof shard !== 'number') return shard;
    planned.set(candidate, {
      ...{ entry, secrets, bytes, secretBytes, shard },
      generation: tenant.metadata.generation,
    });
    if (judged.broken) broken.set(tenant.metadata.uid, judged.broken);
    return undefined;
  };
  for (const candidate of candidates) {
    const refusal = settle(candidate);
    if (!refusal) continue;
    const { tenant, kept } = candidate;
    const remaining = kept && room.keep(kept.entry.id, kept) ? keptOf(candidate, kept, holders) : undefined;
    if (remaining) planned.set(candidate, remaining);
    refused.set(tenant.metadata.uid, remaining ? meanwhile(refusal, remaining) : refusal);
  }
  const entries = new Map<string, TenantEntry>([
    [DEFAULT_TENANT, { id: DEFAULT_TENANT, adminUserIDs: [DEFAULT_ADMIN_USER] }],
  ]);
  const namespaces = new Map<string, string>();
  const plannedOf = new Map<string, PlannedTenant>();
  const secrets: Record<string, string> = {};
  for (const candidate of candidates) {
    const each = planned.get(candidate);
    if (!each) continue;
    entries.set(each.entry.id, each.entry);
    plannedOf.set(each.entry.id, each);
    const { namespace } = candidate.tenant.metadata;
    if (namespace !== undefined && isElsewhere(candidate.tenant)) namespaces.set(each.entry.id, namespace);
    const { keys: asked } = candidate.tenant.spec;
    if (asked) keys.set(each.entry.id, asked);
    Object.assign(secrets, each.secrets);
  }
  const list = Array.from({ length: shards }, () => ({
    entries: [] as TenantEntry[],
    secrets: {} as Record<string, string>,
  }));
  for (const entry of entries.values()) {
    const { shard = preferredShard(entry.id, shards), secrets: own = {} } = plannedOf.get(entry.id) ?? {};
    list[shard]?.entries.push(entry);
    Object.assign(list[shard]?.secrets ?? {}, own);
  }
  const inForce = new Map([...planned].map(([{ tenant }, each]) => [tenant.metadata.uid, each]));
  return {
    entries: [...entries.values()],
    ...{ refused, inForce, broken, keys, namespaces, classes, secrets },
    shards: list,
  };
}

/** A resource that has its tenant ID. */
interface Candidate {
  readonly tenant: Stored<OpenIMTenant>;
  readonly refusal: Refusal | undefined;
  readonly judged: JudgedTenant;
  readonly kept: PlannedTenant | undefined;
}

function idRefusal(
  tenant: Stored<OpenIMTenant>,
  gone: Purging | undefined,
  owner: Stored<OpenIMTenant> | undefined,
): Refusal | undefined {
  const id = tenantIdOf(tenant);
  if (gone && ageOf(tenant) > gone.at.getTime()) {
    const message = `spec.tenantID: what OpenIMTenant ${gone.name} stored under ${id} is being removed; wait until that resource is gone, or choose another ID`;
    return { reason: 'TenantIDTaken', message };
  }
  if (owner !== undefined) {
    const message = `spec.tenantID: ${id} is already used by OpenIMTenant ${displayName(owner, tenant)}; choose another ID`;
    return { reason: 'TenantIDTaken', message };
  }
  if (id === PROBE_TENANT) {
    const message = `spec.tenantID: ${id} is the tenant of the prober (spec.prober of OpenIMCluster); choose another ID`;
    return { reason: 'TenantIDTaken', message };
  }
  if (!TENANT_ID.test(id)) {
    const message = `spec.tenantID: metadata.name ${id} is not a valid tenant ID (a-z, 0-9 and -, at most 63 characters); set spec.tenantID`;
    return { reason: 'InvalidTenantID', message };
  }
  return undefined;
}

/** The name of a resource, with its namespace where that is another than that of `reader`, who may not see more. */
function displayName(
  named: Stored<OpenIMTenant> | undefined,
  { metadata: { namespace } }: Stored<OpenIMTenant>,
): string {
  if (!named) return '';
  return named.metadata.namespace === namespace
    ? named.metadata.name
    : `of namespace ${named.metadata.namespace}`;
}

/** Who gets each host: a claim of an older resource takes no host from one that has it in force and still wants it. */
function hostHolders(candidates: readonly Candidate[]): ReadonlyMap<string, Candidate> {
  const holders = new Map<string, Candidate>();
  const incumbents = candidates.flatMap((candidate) =>
    (candidate.kept?.entry.hosts ?? []).map((host) => ({ host, candidate })),
  );
  for (const { host, candidate } of incumbents)
    if (!holders.has(host) && wants(candidate, host)) holders.set(host, candidate);
  for (const candidate of candidates)
    if (candidate.judged.fault === undefined)
      for (const host of candidate.tenant.spec.hosts ?? [])
        if (!holders.has(host)) holders.set(host, candidate);
  return holders;
}

/** What its change says of a host counts only when the change is valid. */
function wants({ tenant, judged }: Candidate, host: string): boolean {
  return judged.fault !== undefined || (tenant.spec.hosts ?? []).includes(host);
}

/** What stays in force of a resource whose change is refused. */
function keptOf(
  candidate: Candidate,
  kept: PlannedTenant,
  holders: ReadonlyMap<string, Candidate>,
): PlannedTenant {
  const { hosts, ...entry } = kept.entry;
  const left = hosts?.filter((host) => (holders.get(host) ?? candidate) === candidate);
  return {
    ...kept,
    entry: {
      ...entry,
      ...(left === undefined ? {} : { hosts: left }),
      ...(candidate.tenant.spec.suspended === true ? { suspended: true } : {}),
    },
  };
}

function meanwhile({ reason, message }: Refusal, { generation }: PlannedTenant): Refusal {
  const settings = generation === undefined ? 'earlier settings' : `settings of generation ${generation}`;
  return { reason, message: `${message}. Until then its ${settings} stay in force` };
}

/** A tenant that is being deleted, and whose data are removed from a time on. */
export interface Purging {
  /** Name of the resource. */
  readonly name: string;
  readonly at: Date;
}

const TENANT_ID = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function ageOf({ metadata }: Stored<OpenIMTenant>): number {
  return Date.parse(metadata.creationTimestamp ?? '');
}
