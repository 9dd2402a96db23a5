import { isDeepStrictEqual } from 'node:util';
import { SETTINGS_LEVEL } from '@im/contract';
import {
  type Applier,
  type Condition,
  type Informer,
  type KubeClient,
  keyOf,
  parseKey,
  type ReconcileResult,
  type Stored,
} from '@im/kube';
import type { OpenIMTenantStatus } from '../../gen/openimtenant.ts';
import { namespaceEntry, type TenantEntry } from '../../resources/config.ts';
import { OPENIM_TENANT, type OpenIMTenant } from '../../resources/kinds.ts';
import { API_VERSION, FINALIZER, nameOf } from '../../resources/names.ts';
import { secretReferencesIn } from '../../resources/secret-references.ts';
import { knownTenantSpec } from '../../resources/settings-level.ts';
import type { KeyPlan } from '../../resources/tenant-keys.ts';
import { preferredShard } from '../../resources/tenant-shards.ts';
import type { ClientEndpoints } from '../cluster/endpoints.ts';
import type { TenantHolders } from '../cluster/generated-secrets.ts';
import type { Refusal } from '../cluster/observation/observation.ts';
import type { Observer } from '../cluster/observation/observer.ts';
import type { ProcessApi } from '../cluster/observation/process-api.ts';
import type { AdminSecrets } from './admin-secrets.ts';
import type { Admitted, TenantAdmission } from './admission.ts';
import { type PlannedTenant, type Purging, planTenants, type TenantPlan } from './create.ts';
import { CredentialSources, type UsedSecrets } from './credential-sources.ts';
import type { FoundSecret } from './credentials.ts';
import { purgeTime, TenantDeletion } from './delete.ts';
import type { TenantDelivery } from './delivery.ts';
import { type JudgedTenant, judgeTenant, sizeOf } from './entry.ts';
import { clusterKeyOf, isElsewhere, tenantIdOf } from './identity.ts';
import type { SettingsInForce } from './settings-in-force.ts';
import { deletionStatus, nextKeyEnd, tenantStatus, wasReady } from './status.ts';
import type { TenantUsage } from './usage.ts';
import type { TenantMeasure } from './usage-metrics.ts';
import { shownUsage } from './usage-status.ts';

/** Dependencies of {@link TenantReconciler}. */
export interface TenantDeps {
  /** Indexed by {@link tenantIndexes}. */
  readonly tenants: Informer<OpenIMTenant>;
  readonly applier: Applier;
  readonly observer: Pick<Observer, 'processesOf'>;
  readonly delivery: TenantDelivery;
  readonly admission: TenantAdmission;
  readonly secrets: Pick<AdminSecrets, 'keep'>;
  readonly usage: Pick<TenantUsage, 'of'>;
  readonly client: KubeClient;
  readonly processes: Pick<ProcessApi, 'purgeTenant'>;
  /** Has a tenant reconciled, by its key. */
  readonly enqueue: (key: string) => void;
}

/** How the settings of tenants are given to the processes of a cluster. */
export interface TenantLayout {
  /** Settings level of the services. */
  readonly settingsLevel: number;
  /** Number of shards; 1 when they are part of the config. */
  readonly shards: number;
}

const NO_LAYOUT: TenantLayout = { settingsLevel: SETTINGS_LEVEL, shards: 1 };

/** What the status of a tenant depends on in its cluster. */
export interface TenantContext {
  /** Hashes of the applied config, by what pods mount; undefined when none was applied. */
  readonly configHashes: ReadonlySet<string> | undefined;
  /** Entries of the applied config. */
  readonly entries: readonly TenantEntry[];
  /** Hashes of the entries with their secrets, by tenant ID; undefined for services that take no updates. */
  readonly hashes: ReadonlyMap<string, string> | undefined;
  /** Rotations of keys by tenant ID. */
  readonly rotations: ReadonlyMap<string, KeyPlan> | undefined;
  readonly layout: TenantLayout;
  readonly endpoints: ClientEndpoints;
}

/** Interval at which a tenant is looked at that is not in force yet, ms. */
const PENDING_MS = 2_000;
/** Index of tenants by the key of their cluster. */
const BY_CLUSTER = 'cluster';
const NO_ENDPOINTS: ClientEndpoints = { api: '', webSocket: '', objectStorage: '' };

/** Indexes of the informer of tenants. */
export const tenantIndexes = { [BY_CLUSTER]: (tenant: Stored<OpenIMTenant>) => [clusterKeyOf(tenant)] };

/**
 * Writes the status of OpenIMTenants, each by itself: one more tenant causes no write for another. What the tenants of
 * a cluster have in common is kept between calls.
 */
export class TenantReconciler {
  readonly #deps: TenantDeps;
  /** By cluster; null for one that does not exist. */
  readonly #contexts = new Map<string, TenantContext | null>();
  /** By cluster. */
  readonly #plans = new Map<
    string,
    { readonly layout: TenantLayout | undefined; readonly plan: TenantPlan }
  >();

  readonly #judged = new WeakMap<Stored<OpenIMTenant>, Judgement>();
  readonly #credentials = new CredentialSources();
  /** To which namespaces tenants belong that have keys, by cluster. */
  readonly #holders = new Map<string, TenantHolders>();
  readonly #deletion: TenantDeletion;

  constructor(deps: TenantDeps) {
    this.#deps = deps;
    this.#deletion = new TenantDeletion(deps.client, deps.processes);
  }

  /** The config entries of the tenants of the cluster `namespace/name`, for services of this layout. */
  plan(cluster: string, layout: TenantLayout): TenantPlan {
    const known = this.#plans.get(cluster);
    const { settingsLevel: level, shards } = layout;
    if (known && isDeepStrictEqual(known.layout, { settingsLevel: level, shards })) return known.plan;
    const tenants = this.#tenantsOf(cluster);
    const judge = (tenant: Stored<OpenIMTenant>) => this.#judge(cluster, tenant, level);
    const admit = (tenant: Stored<OpenIMTenant>) => this.#admit(tenant);
    const idTaken = (tenant: Stored<OpenIMTenant>) => this.#idTaken(cluster, tenant);
    const purging = this.#purging(cluster);
    const inForce = (tenant: Stored<OpenIMTenant>) => this.#inForce(cluster, tenant, shards, known);
    const plan = planTenants(tenants, { level, shards, judge, purging, admit, idTaken, inForce });
    this.#plans.set(cluster, { layout: { settingsLevel: level, shards }, plan });
    this.#credentials.retain(cluster, new Set(plan.entries.map(({ id }) => id)));
    // What one gives up or takes, such as a host, may change whether another is refused.
    for (const tenant of tenants) {
      const { uid } = tenant.metadata;
      const messages = [known?.plan, plan].map((each) => [
        ...[each?.refused, each?.broken].map((all) => all?.get(uid)?.message),
        each?.classes.get(uid),
      ]);
      if (!isDeepStrictEqual(messages[0], messages[1])) this.#deps.enqueue(keyOf(tenant));
    }
    return plan;
  }

  /** Secrets that the tenants of a cluster refer to, as `namespace/name`; none of tenants that may not use it. */
  secretsOf(cluster: string): readonly string[] {
    const allowed = this.#tenantsOf(cluster).filter((tenant) => !this.#admit(tenant).denied);
    return [...new Set(allowed.flatMap(secretKeysIn))];
  }

  /** Sets what the tenants of a cluster refer to. @param recover finds settings in force before this operator started. */
  setCredentials(
    cluster: string,
    secrets: ReadonlyMap<string, FoundSecret>,
    recover: SettingsInForce,
    holders: TenantHolders = NO_HOLDERS,
  ): void {
    const before = this.#holders.get(cluster)?.elsewhere ?? {};
    this.#holders.set(cluster, holders);
    const isSame = isDeepStrictEqual(before, holders.elsewhere);
    if (!this.#credentials.set(cluster, secrets, recover) && isSame) return;
    this.changed(cluster);
    this.enqueuePending(cluster);
  }

  /** A tenant of this cluster has changed. */
  changed(cluster: string): void {
    const known = this.#plans.get(cluster);
    if (known) this.#plans.set(cluster, { ...known, layout: undefined });
  }

  /** Sets what a reconcile of the cluster has found; undefined for a cluster that does not exist. */
  setContext(cluster: string, context: TenantContext | undefined): void {
    const before = this.#contexts.get(cluster);
    const next = context ?? null;
    if (before !== undefined && isDeepStrictEqual(before, next)) return;
    this.#contexts.set(cluster, next);
    const [shared, nextShared] = [before, next].map(sharedOf);
    const accepted = [before, next].map((each) => each?.configHashes !== undefined);
    if (before === undefined || accepted[0] !== accepted[1] || !isDeepStrictEqual(shared, nextShared))
      this.#enqueueAll(cluster);
    else
      this.#enqueueIf(cluster, (tenant) => !wasReady(tenant) || isChanged(tenantIdOf(tenant), before, next));
  }

  /** Forgets a deleted cluster without tenants. */
  forget(cluster: string): void {
    if (this.#deps.tenants.byIndex(BY_CLUSTER, cluster).length > 0) return;
    this.#contexts.delete(cluster);
    this.#plans.delete(cluster);
    this.#credentials.forget(cluster);
    this.#holders.delete(cluster);
  }

  /** Has those tenants of a cluster reconciled that are not in force: its processes have changed. */
  enqueuePending(cluster: string): void {
    this.#enqueueIf(cluster, (tenant) => !wasReady(tenant));
  }

  /** Has those tenants of a cluster reconciled whose shown usage is out of date. */
  enqueueUsage(cluster: string): void {
    this.#enqueueIf(cluster, (tenant) => {
      const { usage, conditions = [] } = tenant.status ?? {};
      const looked = this.#deps.usage.of(cluster, tenantIdOf(tenant));
      const generation = tenant.metadata.generation ?? 0;
      const options = { quotas: this.#quotasOf(cluster, tenant), generation };
      const shown = shownUsage(usage, conditions as Condition[], looked, options);
      const known = conditions.find(({ type }) => type === 'QuotaExceeded');
      const next = shown.condition;
      return shown.usage !== usage || (next !== undefined && known?.message !== next.message);
    });
  }

  /** What the tenants of a cluster use, and may use. */
  measures(cluster: string): TenantMeasure[] {
    return this.#tenantsOf(cluster).flatMap((tenant) => {
      const id = tenantIdOf(tenant);
      const looked = this.#deps.usage.of(cluster, id);
      const { namespace = '' } = tenant.metadata;
      return looked ? [{ namespace, tenant: id, looked, quotas: this.#quotasOf(cluster, tenant) }] : [];
    });
  }

  /** Writes the status of the tenant `namespace/name`. */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const tenant = this.#deps.tenants.get(key);
    if (!tenant) return {};
    const cluster = clusterKeyOf(tenant);
    const context = this.#contexts.get(cluster);
    if (isBeingDeleted(tenant)) return this.#delete(tenant, cluster, context, signal);
    // The cluster is reconciled first, and with it what its tenants depend on was read.
    if (context === undefined) return {};
    // Its change triggers the next reconcile.
    if (await this.#deletion.setFinalizer(this.#admit(tenant).tenant, signal)) return {};
    // So are the Secrets that it refers to.
    const denied = this.#admit(tenant).denied !== undefined;
    if (context && !denied && !this.#credentials.covers(cluster, secretKeysIn(tenant))) return {};
    const { layout = NO_LAYOUT, configHashes, endpoints = NO_ENDPOINTS } = context ?? {};
    const plan = this.plan(cluster, layout);
    const found = context ? plan.refused.get(tenant.metadata.uid) : missingCluster(cluster);
    const inForce = plan.inForce.get(tenant.metadata.uid);
    const id = inForce?.entry.id ?? '';
    const processes = this.#deps.observer.processesOf(cluster);
    // Its newest settings may not be part of the config yet, which the processes then have without need.
    const entryIn = (entries: readonly TenantEntry[] = []) => entries.find((entry) => entry.id === id);
    const isApplied = isDeepStrictEqual(entryIn(plan.entries), entryIn(context?.entries));
    const { entry: wanted } = inForce ?? {};
    const complete = wanted && isElsewhere(tenant) ? this.#deps.delivery.entryOf(cluster, id) : undefined;
    const refusal = found ?? (await this.#deps.secrets.keep(tenant, complete, signal));
    const status = tenantStatus({
      tenant,
      refusal,
      inForceGeneration: isApplied ? inForce?.generation : inForce && tenant.status?.inForceGeneration,
      isKept: refusal !== undefined && inForce !== undefined,
      broken: plan.broken.get(tenant.metadata.uid),
      accepted: configHashes !== undefined,
      coverage: isApplied
        ? this.#deps.delivery.coverageOf(cluster, id, processes, configHashes)
        : { current: 0, unknown: 0, all: processes.length, refusal: undefined },
      rotation: context?.rotations?.get(id),
      leftOut: knownTenantSpec(tenant.spec, layout.settingsLevel).leftOut,
      endpoints,
      class: plan.classes.get(tenant.metadata.uid),
      quotas: wanted?.quotas,
      usage: this.#deps.usage.of(cluster, id),
      now: new Date(),
    });
    await this.#write(tenant, status, signal);
    const ready = status.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.reason === 'TakingOver') return { requeueAfterMs: PENDING_MS };
    const endMs = nextKeyEnd(status, Date.now());
    return endMs === undefined ? {} : { requeueAfterMs: endMs };
  }

  async #delete(
    tenant: Stored<OpenIMTenant>,
    cluster: string,
    context: TenantContext | null | undefined,
    signal: AbortSignal,
  ): Promise<ReconcileResult> {
    const id = tenantIdOf(tenant);
    const processes = this.#deps.observer.processesOf(cluster);
    const { tenant: effective, denied } = this.#admit(tenant);
    // One without data there removes none.
    const isOwner = denied === undefined && this.#idTaken(cluster, tenant) === undefined;
    const step = await this.#deletion.next(
      effective,
      {
        id,
        hasCluster: context === undefined ? undefined : context !== null && isOwner,
        claims: this.#tenantsOf(cluster)
          .filter((other) => tenantIdOf(other) === id && !this.#admit(other).denied)
          .filter((other) => other.metadata.namespace === tenant.metadata.namespace)
          .map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '')),
        processes,
        key: this.#deps.delivery.keyWhenGone(cluster, id, processes),
      },
      signal,
    );
    if (step === undefined) return {};
    await this.#write(tenant, deletionStatus(tenant, step, new Date()), signal);
    return { requeueAfterMs: step.againAfterMs };
  }

  async #write(tenant: Stored<OpenIMTenant>, status: OpenIMTenantStatus, signal: AbortSignal): Promise<void> {
    const { name, namespace } = tenant.metadata;
    // Status alone: the operator must own no field of the spec.
    const object = { apiVersion: API_VERSION, kind: 'OpenIMTenant', metadata: { name, namespace }, status };
    const { applier } = this.#deps;
    await applier.applyStatus(OPENIM_TENANT, object as unknown as OpenIMTenant, tenant, { signal });
  }

  /** Of a thousand tenants one has changed. */
  #judge(cluster: string, tenant: Stored<OpenIMTenant>, level: number): JudgedTenant {
    const known = this.#judged.get(tenant);
    if (known?.level === level && this.#credentials.isCurrent(cluster, known.used)) return known;
    const { sources, used } = this.#credentials.of(cluster, tenant.metadata.namespace);
    const judged = { ...judgeTenant(tenant, level, sources), level, used };
    this.#credentials.remember(cluster, tenantIdOf(tenant), judged.sections);
    this.#judged.set(tenant, judged);
    return judged;
  }

  /** What a resource has in force, in the place that it gets in this layout. */
  #inForce(
    cluster: string,
    tenant: Stored<OpenIMTenant>,
    shards: number,
    known: KnownPlan | undefined,
  ): PlannedTenant | undefined {
    const found = known ? known.plan.inForce.get(tenant.metadata.uid) : this.#applied(cluster, tenant);
    if (!found) return undefined;
    const isPlaced =
      found.shard !== undefined && (known === undefined || known.plan.shards.length === shards);
    return { ...found, shard: isPlaced ? found.shard : preferredShard(found.entry.id, shards) };
  }

  /** After a start of the operator: what the applied config has of a resource. */
  #applied(cluster: string, tenant: Stored<OpenIMTenant>) {
    const { inForceGeneration, adminSecretRef } = tenant.status ?? {};
    // Neither is set for one whose settings were never applied; its entry would be that of a resource before it.
    if (inForceGeneration === undefined && adminSecretRef === undefined) return undefined;
    const found = this.#credentials.applied(cluster, tenantIdOf(tenant));
    return found && { ...found, ...sizeOf(found, tenant.spec), generation: inForceGeneration };
  }

  /** The quotas of a tenant that are in force. */
  #quotasOf(cluster: string, { metadata, spec }: Stored<OpenIMTenant>) {
    return this.#plans.get(cluster)?.plan.inForce.get(metadata.uid)?.entry.quotas ?? spec.quotas;
  }

  /** What its cluster makes of a tenant. */
  #admit(tenant: Stored<OpenIMTenant>): Admitted {
    const { inForceGeneration } = tenant.status ?? {};
    return this.#deps.admission.admit(tenant, inForceGeneration === tenant.metadata.generation);
  }

  /** Whether what is stored under its ID belongs to another namespace. */
  #idTaken(cluster: string, tenant: Stored<OpenIMTenant>): Refusal | undefined {
    const { name } = parseKey(cluster);
    const { namespace } = tenant.metadata;
    const id = tenantIdOf(tenant);
    const holder = this.#holders.get(cluster)?.namespaceOf(id);
    if (holder === undefined || holder === namespace) return undefined;
    const message = `spec.tenantID: what is stored under ${id} belongs to another namespace; choose another ID. Those who run OpenIMCluster ${name} hand it over by the entry ${namespaceEntry(id)} of its Secret ${nameOf.tenants(name)}`;
    return { reason: 'TenantIDTaken', message };
  }

  #enqueueAll(cluster: string): void {
    this.#enqueueIf(cluster, () => true);
  }

  #enqueueIf(cluster: string, wanted: (tenant: Stored<OpenIMTenant>) => boolean): void {
    for (const tenant of this.#tenantsOf(cluster)) if (wanted(tenant)) this.#deps.enqueue(keyOf(tenant));
  }

  /** Tenants that are being deleted with what is stored of them, by ID. */
  #purging(cluster: string): ReadonlyMap<string, Purging> {
    const deleted = this.#deps.tenants.byIndex(BY_CLUSTER, cluster).filter(isBeingDeleted);
    return new Map(
      deleted.flatMap((tenant): [string, Purging][] => {
        const id = tenantIdOf(tenant);
        const { tenant: effective, denied } = this.#admit(tenant);
        if (denied || this.#idTaken(cluster, tenant)) return [];
        const at = tenant.metadata.finalizers?.includes(FINALIZER) ? purgeTime(effective, id) : undefined;
        return at ? [[id, { name: tenant.metadata.name, at }]] : [];
      }),
    );
  }

  #tenantsOf(cluster: string): Stored<OpenIMTenant>[] {
    return this.#deps.tenants.byIndex(BY_CLUSTER, cluster).filter((tenant) => !isBeingDeleted(tenant));
  }
}

interface KnownPlan {
  /** Undefined when a tenant has changed since. */
  readonly layout: TenantLayout | undefined;
  readonly plan: TenantPlan;
}

interface Judgement extends JudgedTenant {
  readonly level: number;
  /** Secrets that it was made with. */
  readonly used: UsedSecrets;
}

function isBeingDeleted({ metadata }: Stored<OpenIMTenant>): boolean {
  return metadata.deletionTimestamp !== undefined;
}

const NO_HOLDERS: TenantHolders = { namespaceOf: () => undefined, elsewhere: {} };

/** Keys of the Secrets that a tenant refers to, in its namespace. */
function secretKeysIn({ metadata: { namespace }, spec }: Stored<OpenIMTenant>): string[] {
  return secretReferencesIn(spec).map(({ name }) => keyOf({ namespace, name }));
}

/** Whether the wanted settings of a tenant changed, its credentials included, or its keys did. */
function isChanged(id: string, ...contexts: readonly (TenantContext | null | undefined)[]): boolean {
  const [before, after] = contexts.map((context) => context?.hashes?.get(id));
  if (before !== after) return true;
  const [rotation, next] = contexts.map((context) => context?.rotations?.get(id));
  return !isDeepStrictEqual(rotation, next);
}

/** What changes the status of tenants in force. */
function sharedOf(context: TenantContext | null | undefined): object {
  const { layout, endpoints } = context ?? {};
  return { layout, endpoints };
}

function missingCluster(cluster: string): Refusal {
  const { name, namespace } = parseKey(cluster);
  const message = `spec.clusterRef: OpenIMCluster ${name} does not exist in namespace ${namespace}; create it`;
  return { reason: 'ClusterMissing', message };
}
