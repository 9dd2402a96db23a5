import { ConfigError, PARTITIONS } from '@im/contract';
import { messageOf } from '@im/kit';
import {
  type Applier,
  type EventRecorder,
  type Informer,
  type KubeClient,
  keyOf,
  PERSISTENT_VOLUME_CLAIM,
  type ReconcileResult,
  type Stored,
} from '@im/kube';
import { storeChecks } from '../../checks/store-checks.ts';
import {
  type EffectiveSpec,
  effectiveSpec,
  type OperatorDefaults,
  type RunningImages,
} from '../../resources/effective.ts';
import { OPENIM_CLUSTER, type OpenIMCluster, type OpenIMTenant } from '../../resources/kinds.ts';
import { ANNOTATION, API_VERSION, FINALIZER } from '../../resources/names.ts';
import { knownClusterSpec, settingsLevel, taggedVersion } from '../../resources/settings-level.ts';
import { connectionOf, makeCredentials } from '../../resources/stores/credentials.ts';
import { pvcResizes } from '../../resources/stores/store-set.ts';
import { TenantReconciler } from '../tenant/reconcile.ts';
import { type Children, ManifestApplier } from './children.ts';
import { recordEvents } from './conditions.ts';
import { type Desired, desiredObjects } from './create.ts';
import { deleteCluster, pruneChildren } from './delete.ts';
import { GatewayReconciler } from './gateways.ts';
import type { Refusal, RolloutState } from './observation.ts';
import { ObservedCluster, ownerOf } from './observed-cluster.ts';
import type { Observer, ProcessApi } from './observer.ts';
import { planRpcKey, RPC_KEY_ENTRY, type RpcKeyObservation, settleRpcKey } from './rpc-key.ts';
import { BrokenReferenceError, GeneratedSecrets, SecretReader } from './secrets.ts';
import { clusterStatus } from './status.ts';
import { rollOut } from './upgrade.ts';

/** Dependencies of {@link ClusterReconciler}. */
export interface ClusterDeps {
  readonly client: KubeClient;
  readonly clusters: Informer<OpenIMCluster>;
  readonly tenants: Informer<OpenIMTenant>;
  readonly children: Children;
  readonly applier: Applier;
  readonly observer: Observer;
  readonly processes: ProcessApi;
  readonly events: EventRecorder;
  readonly operator: OperatorDefaults;
  /** Namespace of the operator, which network policies admit. */
  readonly operatorNamespace: string;
}

/** Interval between reconciles without a change, in which a changed Secret of a user is noticed, ms. */
const RESYNC_MS = 15_000;
/** The same during a rollout, ms. */
const BUSY_MS = 2_000;
/** Longest wait for the address of the object storage before roles are created without it, ms. */
const ADDRESS_MS = 60_000;

/** Result of one reconcile. */
interface Outcome {
  readonly rollout: RolloutState;
  readonly gatewayRevision?: string | undefined;
  /** Hash of the applied config; undefined when none could be applied. */
  readonly configHash?: string | undefined;
  readonly refusal?: Refusal | undefined;
  readonly failure?: unknown;
  /** Settings level of the services, and the fields that it leaves out. */
  readonly settings?: { readonly level: number; readonly leftOut: readonly string[] };
}

/** The wanted state, as far as the services know the settings. */
interface Wanted {
  readonly effective: EffectiveSpec;
  readonly settingsLevel: number;
}

/**
 * Reconciles clusters with their specs. Level-triggered: every call observes the whole cluster and takes the next
 * step. Between calls it keeps only what saves requests.
 */
export class ClusterReconciler {
  readonly #deps: ClusterDeps;
  readonly #applier: ManifestApplier;
  readonly #secrets: SecretReader;
  readonly #generated: GeneratedSecrets;
  readonly #gateways: GatewayReconciler;
  readonly #tenants: TenantReconciler;

  constructor(deps: ClusterDeps) {
    this.#deps = deps;
    this.#applier = new ManifestApplier(deps.applier, deps.children);
    this.#secrets = new SecretReader(deps.client);
    this.#generated = new GeneratedSecrets(deps.client);
    this.#gateways = new GatewayReconciler({ ...deps, applier: this.#applier });
    this.#tenants = new TenantReconciler(deps);
  }

  /** Reconciles the cluster `namespace/name` once. */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const cluster = this.#deps.clusters.get(key);
    if (!cluster || cluster.metadata.deletionTimestamp !== undefined) {
      this.#deps.observer.forget(key);
      this.#gateways.forget(key);
      await this.#tenants.clusterGone(key, signal);
      return cluster ? this.#delete(cluster, signal) : {};
    }
    if (!cluster.metadata.finalizers?.includes(FINALIZER)) {
      await this.#addFinalizer(cluster, signal);
      return {};
    }
    const observed = new ObservedCluster(ownerOf(cluster), this.#deps.children);
    const settingsLevel = this.#settingsLevel(cluster, observed);
    const { spec, leftOut } = knownClusterSpec(cluster.spec, settingsLevel);
    const effective = effectiveOf({ ...cluster, spec }, this.#deps.operator);
    const wanted = { effective, settingsLevel };
    const outcome = {
      ...(await this.#reconcileComponents(cluster, observed, wanted, signal)),
      settings: { level: settingsLevel, leftOut },
    };
    await this.#writeStatus(cluster, observed, effective, outcome, signal);
    await this.#tenants.writeStatuses(
      key,
      { configHash: outcome.configHash, settingsLevel, endpoints: observed.endpoints(effective) },
      signal,
    );
    if (outcome.failure !== undefined) throw outcome.failure;
    return { requeueAfterMs: outcome.rollout.stage === undefined ? RESYNC_MS : BUSY_MS };
  }

  /** The settings that all processes of a cluster know, including those about to start. */
  #settingsLevel(cluster: Stored<OpenIMCluster>, observed: ObservedCluster): number {
    const { observer, operator } = this.#deps;
    const { processes } = observer.observationOf(keyOf(cluster));
    const { image, version } = effectiveOf(cluster, operator);
    const pods = observed.rolePods();
    const known = cluster.status?.effective as { readonly settingsLevel?: number } | undefined;
    return settingsLevel({
      before: known?.settingsLevel,
      processes: [...processes.values()],
      complete: pods.every(({ name }) => processes.has(name)),
      wanted: taggedVersion(image) ?? version,
      rolledOut: pods.every((pod) => pod.image === image),
      own: operator.version,
      isNew: known === undefined,
    });
  }

  /** Takes the next step. Rejects only when aborted: a failure is part of the outcome, so that status reports it. */
  async #reconcileComponents(
    cluster: Stored<OpenIMCluster>,
    observed: ObservedCluster,
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { effective } = wanted;
    try {
      const objects = observed.objectsURL(effective, cluster.status?.endpoints?.objectStorage);
      const { desired, rpcKey } = await this.#desired(cluster, observed, wanted, objects.url, signal);
      for (const manifest of desired.base) await this.#applier.apply(manifest, signal);
      await this.#growVolumes(observed, effective, signal);
      const addressLeftMs = ADDRESS_MS - ageMs(cluster);
      if (objects.pending && addressLeftMs > 0 && observed.selectedRevision() === undefined) {
        // The services read it at their start only: started now, they would all be restarted soon.
        await rollOut(this.#applier, desired.stages.slice(0, 1), signal);
        const seconds = Math.ceil(addressLeftMs / 1_000);
        const message = `waiting for the address of the object storage Service, at most ${seconds} s`;
        return { rollout: { stage: 'stores', message }, configHash: desired.configHash };
      }
      const rollout = await rollOut(this.#applier, desired.stages, signal);
      const { plan, revision } = await this.#gateways.reconcile(
        { cluster, observed, input: desired.gateway, rpcKey, othersComplete: rollout.stage === undefined },
        signal,
      );
      await pruneChildren(this.#deps, this.#applier, observed, desired, signal);
      const done = { gatewayRevision: revision, configHash: desired.configHash };
      if (rollout.stage !== undefined || plan.complete) return { rollout, ...done };
      const message = plan.waiting ?? 'the next step is in progress';
      return { rollout: { stage: 'gateway', message }, ...done };
    } catch (error) {
      signal.throwIfAborted();
      const refusal = refusalOf(error);
      return {
        rollout: { message: 'The running cluster is unchanged.' },
        gatewayRevision: cluster.status?.gatewayRevision,
        ...(refusal ? { refusal } : { failure: error }),
      };
    }
  }

  /** The wanted objects. @throws BrokenReferenceError, ConfigError when the spec is invalid. */
  async #desired(
    cluster: Stored<OpenIMCluster>,
    observed: ObservedCluster,
    { effective, settingsLevel: level }: Wanted,
    objectsURL: string,
    signal: AbortSignal,
  ): Promise<{ readonly desired: Desired; readonly rpcKey: string }> {
    const { owner } = observed;
    const external = await this.#secrets.externalValues(owner.namespace, effective, signal);
    const credentials = await this.#generated.credentials(owner, makeCredentials, signal);
    const { entries: tenants } = this.#tenants.plan(keyOf(cluster), level);
    const ids = tenants.map(({ id }) => id);
    const tenantSecrets = await this.#generated.tenants(owner, ids, signal);
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
    const checks = storeChecks({ owner, effective, connection });
    this.#deps.observer.watch(keyOf(cluster), () => ({ targets: observed.targets(), checks }));
    const desired = desiredObjects({
      owner,
      effective,
      credentials,
      connection,
      tenants,
      tenantSecrets,
      objectsURL,
      rpcKey: keyPlan.use,
      operatorNamespace: this.#deps.operatorNamespace,
      restartedAt: cluster.metadata.annotations?.[ANNOTATION.restartedAt],
      statefulSets: observed.statefulSets(),
    });
    // The change of the Secret triggers the next reconcile, which reads it.
    await this.#generated.keep(
      owner,
      settleRpcKey(credentials, keyPlan, rpcKeyState, desired.configHash),
      signal,
    );
    return { desired, rpcKey: credentials[RPC_KEY_ENTRY.key] ?? '' };
  }

  async #growVolumes(
    observed: ObservedCluster,
    effective: EffectiveSpec,
    signal: AbortSignal,
  ): Promise<void> {
    for (const { name, size } of pvcResizes(effective, observed.volumeClaims())) {
      const patch = { spec: { resources: { requests: { storage: size } } } };
      const key = { namespace: observed.owner.namespace, name };
      await this.#deps.client.patch(PERSISTENT_VOLUME_CLAIM, key, patch, { signal });
    }
  }

  async #delete(cluster: Stored<OpenIMCluster>, signal: AbortSignal): Promise<ReconcileResult> {
    const { client, children, operator } = this.#deps;
    if (!cluster.metadata.finalizers?.includes(FINALIZER)) return {};
    const { done, waiting } = await deleteCluster(client, children, cluster, signal);
    if (done) return {};
    const observed = new ObservedCluster(ownerOf(cluster), children);
    const outcome = { rollout: { stage: 'deletion', message: waiting } };
    await this.#writeStatus(cluster, observed, effectiveOf(cluster, operator), outcome, signal);
    return { requeueAfterMs: BUSY_MS };
  }

  async #writeStatus(
    cluster: Stored<OpenIMCluster>,
    observed: ObservedCluster,
    effective: EffectiveSpec,
    { rollout, gatewayRevision: revision, configHash, refusal, failure, settings }: Outcome,
    signal: AbortSignal,
  ): Promise<void> {
    const { observer, applier, events } = this.#deps;
    const roles = ['rpc', 'transfer', 'push', 'cron', 'api'] as const;
    const status = clusterStatus({
      owner: observed.owner,
      generation: cluster.metadata.generation ?? 0,
      effective,
      refusal,
      failure: failure === undefined ? undefined : messageOf(failure),
      pods: observed.pods(),
      updated: Object.fromEntries(roles.map((role) => [role, observed.updatedPods(role)])),
      observation: observer.observationOf(keyOf(cluster)),
      rollout,
      gatewayRevision: revision,
      configHash,
      settings,
      endpoints: {
        ...observed.endpoints(effective),
        objectStorage: observed.objectsURL(effective, cluster.status?.endpoints?.objectStorage).url,
      },
      partitions: PARTITIONS,
      before: cluster.status,
      now: new Date(),
    });
    const { name, namespace } = cluster.metadata;
    // Status alone: the operator must own no field of the spec.
    const object = { apiVersion: API_VERSION, kind: 'OpenIMCluster', metadata: { name, namespace }, status };
    await applier.applyStatus(OPENIM_CLUSTER, object as unknown as OpenIMCluster, cluster, { signal });
    recordEvents(events, cluster, status);
  }

  async #addFinalizer({ metadata }: Stored<OpenIMCluster>, signal: AbortSignal): Promise<void> {
    const { name, namespace, resourceVersion } = metadata;
    const finalizers = [...(metadata.finalizers ?? []), FINALIZER];
    const patch = { metadata: { finalizers, resourceVersion } };
    await this.#deps.client.patch(OPENIM_CLUSTER, { namespace, name }, patch, { signal });
  }
}

function effectiveOf({ spec, status }: Stored<OpenIMCluster>, operator: OperatorDefaults): EffectiveSpec {
  return effectiveSpec(spec, operator, status?.effective as RunningImages | undefined);
}

function ageMs({ metadata }: Stored<OpenIMCluster>): number {
  return Date.now() - Date.parse(metadata.creationTimestamp ?? '');
}

function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof BrokenReferenceError) return error.refusal;
  if (error instanceof ConfigError) return { reason: 'InvalidConfig', message: error.message };
  return undefined;
}
