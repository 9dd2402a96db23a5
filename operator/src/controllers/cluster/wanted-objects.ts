import { type KubeClient, keyOf, type Stored } from '@im/kube';
import { storeChecks } from '../../checks/store-checks.ts';
import { type TenantEntry, tenantsFile } from '../../resources/config.ts';
import type { EffectiveSpec, OperatorDefaults } from '../../resources/effective.ts';
import type { OpenIMCluster } from '../../resources/kinds.ts';
import { ANNOTATION, type Role } from '../../resources/names.ts';
import type { TemplateVersion } from '../../resources/revision.ts';
import { connectionOf } from '../../resources/stores/credentials.ts';
import { secondKeySettings } from '../../resources/tenant-keys.ts';
import { shardObjects } from '../../resources/tenant-shards.ts';
import type { Delivery, TenantDelivery } from '../tenant/delivery.ts';
import { withProbeTenant } from '../tenant/probe-tenant.ts';
import type { TenantLayout, TenantReconciler } from '../tenant/reconcile.ts';
import { settingsInForce } from '../tenant/settings-in-force.ts';
import { wantedTenants } from '../tenant/wanted.ts';
import type { Children } from './children.ts';
import type { Desired } from './create.ts';
import { DesiredMemory } from './desired-memory.ts';
import { GeneratedSecrets, generationOf } from './generated-secrets.ts';
import type { ObservedCluster } from './observation/observed-cluster.ts';
import type { Observer } from './observation/observer.ts';
import type { RevisionHistory } from './revisions.ts';
import { planRpcKey, RPC_KEY_ENTRY, type RpcKeyObservation, settleRpcKey } from './rpc-key.ts';
import type { SecretReader } from './secrets.ts';
import { type TenantRotations, tenantRotations } from './tenant-rotations.ts';
import type { Rollback } from './upgrade/target.ts';

/** The wanted state, as far as the services know the settings. */
export interface Wanted {
  readonly effective: EffectiveSpec;
  /** Roles whose number of pods another client has set. */
  readonly scaledByOthers: readonly Role[];
  readonly settingsLevel: number;
  readonly tenantLayout: TenantLayout;
  readonly history: RevisionHistory;
  readonly templateVersion: TemplateVersion;
  /** The way back from a failed upgrade, if there is one: `effective` is that of the revision before. */
  readonly rollback?: Rollback | undefined;
}

/** Dependencies of {@link ObjectPlanner}. */
export interface ObjectPlannerDeps {
  readonly client: KubeClient;
  readonly children: Children;
  readonly userSecrets: SecretReader;
  readonly tenants: TenantReconciler;
  readonly delivery: TenantDelivery;
  readonly observer: Observer;
  readonly storeChecks?: typeof storeChecks | undefined;
  readonly operator: OperatorDefaults;
  readonly operatorNamespace: string;
}

/** What a cluster is to consist of, and what its processes are to have. */
export interface WantedObjects {
  readonly desired: Desired;
  readonly rpcKey: string;
  readonly tenants: Delivery | undefined;
  readonly tenantEntries: readonly TenantEntry[];
  readonly rotations: TenantRotations;
}

/** Plans the objects of clusters from their specs, tenants and credentials, which it generates where they are missing. */
export class ObjectPlanner {
  readonly #deps: ObjectPlannerDeps;
  readonly #secrets: SecretReader;
  readonly #generated: GeneratedSecrets;
  readonly #tenants: TenantReconciler;
  readonly #objects = new DesiredMemory();

  constructor(deps: ObjectPlannerDeps) {
    this.#deps = deps;
    this.#secrets = deps.userSecrets;
    this.#generated = new GeneratedSecrets(deps.client, deps.children.secrets);
    this.#tenants = deps.tenants;
  }

  /** Drops what is kept about a cluster. */
  forget(key: string): void {
    this.#secrets.forget(key);
    this.#objects.forget(key);
  }

  /** The wanted objects. @throws BrokenReferenceError, ConfigError when the spec is invalid. */
  async of(
    cluster: Stored<OpenIMCluster>,
    observed: ObservedCluster,
    { effective, scaledByOthers, settingsLevel: level, tenantLayout, history, templateVersion }: Wanted,
    objectsURL: string,
    signal: AbortSignal,
  ): Promise<WantedObjects> {
    const { owner } = observed;
    const external = await this.#secrets.externalValues(keyOf(owner), effective, signal);
    const generation = generationOf(cluster, observed, Date.now());
    const credentials = await this.#generated.credentials(generation, signal);
    const configs = [...history.configs.values()];
    const referred = await this.#secrets.ofTenants(
      keyOf(owner),
      this.#tenants.secretsOf(keyOf(owner)),
      signal,
    );
    const observedShards = observed.tenantShards();
    const storedValues = () => ({
      ...this.#generated.tenantValues(owner),
      ...Object.assign({}, ...observedShards.secrets.values()),
    });
    const recover = settingsInForce({ configs, shards: observedShards }, storedValues);
    this.#tenants.setCredentials(keyOf(owner), referred, recover, this.#generated.tenantHolders(owner));
    const plan = this.#tenants.plan(keyOf(owner), tenantLayout);
    const { namespaces } = plan;
    const { entries, keys, secrets, shards } = effective.prober ? withProbeTenant(plan) : plan;
    const isSharded = tenantLayout.shards > 1;
    const inShards = Object.assign({}, ...observedShards.secrets.values()) as Record<string, string>;
    const generated = await this.#generated.tenants(
      generation,
      {
        ids: entries.map(({ id }) => id),
        namespaces,
        credentials: { ...external.sections, ...(isSharded ? {} : secrets) },
        isNamed: (key) =>
          configs.some((text) => text.includes(tenantsFile(key))) ||
          (secrets[key] !== undefined && inShards[key] === undefined),
      },
      signal,
    );
    const { delivery, observer } = this.#deps;
    const processes = observer.processesOf(keyOf(owner));
    const rotations = tenantRotations(entries, keys, generated, {
      level,
      now: new Date(),
      inForce: (id) => delivery.entryInForce(keyOf(owner), id, processes),
    });
    const kept = await this.#generated.keepTenantKeys(owner, generated, rotations.changes, signal);
    const tenantSecrets = { ...kept, ...secrets };
    const withKeys = (entry: TenantEntry): TenantEntry => ({
      ...entry,
      ...secondKeySettings(entry.id, tenantSecrets, level),
    });
    const tenants = entries.map(withKeys);
    const versioned =
      level < 1 ? undefined : wantedTenants(tenants, tenantSecrets, observed.tenantsVersion(), Date.now());
    const complete = shards.map((shard) => ({ ...shard, entries: shard.entries.map(withKeys) }));
    const tenantShards =
      isSharded && versioned ? shardObjects(complete, versioned.revision, observedShards) : undefined;
    const rpcKeyState: RpcKeyObservation = {
      image: effective.image,
      operatorImage: this.#deps.operator.image,
      pods: observed.rolePods(),
      started: observed.hasWorkloads(),
      processes: this.#deps.observer.observationOf(keyOf(cluster)).processes,
    };
    const keyPlan = planRpcKey(credentials, rpcKeyState);
    await this.#generated.keep(owner, keyPlan.keep, signal);
    const connection = connectionOf({ owner, effective, credentials, external });
    const identity = {
      id: credentials.clusterID ?? owner.uid,
      name: keyOf(owner),
      takeOver: cluster.metadata.annotations?.[ANNOTATION.takeOverStores],
    };
    const checks = (this.#deps.storeChecks ?? storeChecks)({
      owner,
      effective,
      connection,
      identity,
      tls: external.tls,
    });
    this.#deps.observer.watch(keyOf(cluster), () => ({ targets: observed.targets(), checks }));
    const desired = this.#objects.of(keyOf(owner), {
      owner,
      effective,
      credentials,
      connection,
      tenants,
      tenantSecrets,
      tenantsVersion: versioned,
      tenantShards,
      objectsURL,
      rpcKey: keyPlan.use,
      operatorNamespace: this.#deps.operatorNamespace,
      restartedAt: cluster.metadata.annotations?.[ANNOTATION.restartedAt],
      statefulSets: observed.statefulSets(),
      templateVersion,
      history,
      settingsLevel: level,
      scaledByOthers,
    });
    // The change of the Secret triggers the next reconcile, which reads it.
    await this.#generated.keep(
      owner,
      settleRpcKey(credentials, keyPlan, rpcKeyState, desired.configHashes),
      signal,
    );
    const rpcKey = credentials[RPC_KEY_ENTRY.key] ?? '';
    const key = keyPlan.use === 'required' ? rpcKey : undefined;
    return {
      desired,
      rpcKey,
      tenants: versioned && { wanted: versioned, key },
      tenantEntries: entries,
      rotations,
    };
  }
}
