import { ConfigError } from '@im/contract';
import {
  type Applier,
  childId,
  type Deployment,
  type EventRecorder,
  type Informer,
  type KubeClient,
  type KubeObject,
  keyOf,
  PERSISTENT_VOLUME_CLAIM,
  prune,
  type ReconcileResult,
  type Stored,
} from '@im/kube';
import { storeChecks } from '../../checks/index.ts';
import {
  type EffectiveSpec,
  effectiveSpec,
  type OperatorDefaults,
  type RunningImages,
} from '../../resources/effective.ts';
import { OPENIM_CLUSTER, type OpenIMCluster, type OpenIMTenant } from '../../resources/kinds.ts';
import { ANNOTATION, API_VERSION, FINALIZER, MANAGED_BY, nameOf } from '../../resources/names.ts';
import { gatewayService } from '../../resources/services.ts';
import { knownClusterSpec, settingsLevel, taggedVersion } from '../../resources/settings-level.ts';
import { connectionOf, makeCredentials } from '../../resources/stores/credentials.ts';
import { pvcResizes } from '../../resources/stores/index.ts';
import { gatewayRevision, type WorkloadInput } from '../../resources/workloads.ts';
import { type Children, ManifestApplier } from './children.ts';
import { ConditionEvents } from './condition-events.ts';
import { deleteCluster } from './delete.ts';
import { type Desired, desiredObjects, type Stage } from './desired.ts';
import type { GatewayPlan } from './gateway-plan.ts';
import { reconcileGateways } from './gateways.ts';
import { GeneratedSecrets } from './generated-secrets.ts';
import type { Observer } from './observer.ts';
import type { ProcessApi } from './process-api.ts';
import { BrokenReferenceError, SecretReader } from './references.ts';
import { changesPods, unsettled } from './rollout.ts';
import { planRpcKey, RPC_KEY_ENTRY, type RpcKeySeen, settleRpcKey } from './rpc-key.ts';
import { clusterStatus } from './status.ts';
import type { Refusal, RolloutState } from './status-input.ts';
import { TenantStatuses } from './tenant-statuses.ts';
import { ClusterView, ownerOf } from './view.ts';

/** Everything that the reconcile of a cluster needs. */
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
  /** Namespace of the operator, which network policies let in. */
  readonly operatorNamespace: string;
}

/** Time between reconciles of a cluster of which nothing is heard; Secrets that people change are seen by it, ms. */
const RESYNC_MS = 15_000;
/** The same while something is under way, ms. */
const BUSY_MS = 2_000;
/** Time that the address of the object storage gets to be known before roles are made all the same, ms. */
const ADDRESS_MS = 60_000;
/** Partitions of the log; fixed for good. */
const PARTITIONS = 64;

/** What a look at a cluster came to. */
interface Outcome {
  readonly rollout: RolloutState;
  readonly gatewayRevision?: string | undefined;
  /** Name of the config that was applied; undefined when none could be. */
  readonly configHash?: string | undefined;
  readonly refusal?: Refusal | undefined;
  readonly failure?: unknown;
  /** Level of the settings that the services know, and fields that are left out for it. */
  readonly settings?: { readonly level: number; readonly leftOut: readonly string[] };
}

/** What a cluster should be, as far as its services know the settings. */
interface Wanted {
  readonly effective: EffectiveSpec;
  readonly settingsLevel: number;
}

/**
 * Makes clusters as their specs say. Level-triggered: every call looks at the whole cluster and does
 * what is to be done next. Nothing is remembered between calls but what spares requests.
 */
export class ClusterReconciler {
  readonly #deps: ClusterDeps;
  readonly #applier: ManifestApplier;
  readonly #secrets: SecretReader;
  readonly #generated: GeneratedSecrets;
  readonly #conditionEvents: ConditionEvents;
  readonly #tenantStatus: TenantStatuses;
  /** Revision that a Service was turned to, by cluster, until the local copy shows it: turning it back would cut clients twice. */
  readonly #turned = new Map<string, string>();

  constructor(deps: ClusterDeps) {
    this.#deps = deps;
    this.#applier = new ManifestApplier(deps.applier, deps.children);
    this.#secrets = new SecretReader(deps.client);
    this.#generated = new GeneratedSecrets(deps.client);
    this.#conditionEvents = new ConditionEvents(deps.events);
    this.#tenantStatus = new TenantStatuses(deps);
  }

  /** One look at a cluster, by `namespace/name`. */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const cluster = this.#deps.clusters.get(key);
    if (!cluster || cluster.metadata.deletionTimestamp !== undefined) {
      this.#deps.observer.forget(key);
      this.#turned.delete(key);
      await this.#tenantStatus.clusterGone(key, signal);
      return cluster ? this.#delete(cluster, signal) : {};
    }
    if (!cluster.metadata.finalizers?.includes(FINALIZER)) {
      await this.#addFinalizer(cluster, signal);
      return {};
    }
    const view = new ClusterView(ownerOf(cluster), this.#deps.children);
    const settingsLevel = this.#settingsLevel(cluster, view);
    const { spec, leftOut } = knownClusterSpec(cluster.spec, settingsLevel);
    const effective = effectiveOf({ ...cluster, spec }, this.#deps.operator);
    const wanted = { effective, settingsLevel };
    const outcome = {
      ...(await this.#bringAbout(cluster, view, wanted, signal)),
      settings: { level: settingsLevel, leftOut },
    };
    await this.#writeStatus(cluster, view, effective, outcome, signal);
    await this.#tenantStatus.write(
      key,
      { configHash: outcome.configHash, settingsLevel, endpoints: view.endpoints(effective) },
      signal,
    );
    if (outcome.failure !== undefined) throw outcome.failure;
    return { requeueAfterMs: outcome.rollout.stage === undefined ? RESYNC_MS : BUSY_MS };
  }

  /** Which settings the processes of a cluster know, those that are about to start included. */
  #settingsLevel(cluster: Stored<OpenIMCluster>, view: ClusterView): number {
    const { observer, operator } = this.#deps;
    const { processes } = observer.seen(keyOf(cluster));
    const { image, version } = effectiveOf(cluster, operator);
    const pods = view.rolePods();
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

  /** Does the next step. Never rejects but for an abort: status tells what went wrong, and that needs writing. */
  async #bringAbout(
    cluster: Stored<OpenIMCluster>,
    view: ClusterView,
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { effective } = wanted;
    try {
      const objects = view.objectsURL(effective, cluster.status?.endpoints?.objectStorage);
      const { desired, rpcKey } = await this.#desired(cluster, view, wanted, objects.url, signal);
      for (const manifest of desired.base) await this.#applier.apply(manifest, signal);
      await this.#growVolumes(view, effective, signal);
      const addressLeftMs = ADDRESS_MS - ageMs(cluster);
      if (objects.pending && addressLeftMs > 0 && view.selectedRevision() === undefined) {
        // The services read it at their start only: begun now they would all be restarted soon.
        await this.#rollOut(desired.stages.slice(0, 1), signal);
        const seconds = Math.ceil(addressLeftMs / 1_000);
        const message = `waiting for the address of the object storage's Service, for ${seconds} s at the most`;
        return { rollout: { stage: 'stores', message }, configHash: desired.configHash };
      }
      const rollout = await this.#rollOut(desired.stages, signal);
      const { plan, revision } = await this.#gateways(
        cluster,
        view,
        desired.gateway,
        rpcKey,
        rollout.stage === undefined,
        signal,
      );
      await this.#prune(view, desired, signal);
      const done = { gatewayRevision: revision, configHash: desired.configHash };
      if (rollout.stage !== undefined || plan.settled) return { rollout, ...done };
      const message = plan.waiting ?? 'the next step is being taken';
      return { rollout: { stage: 'gateway', message }, ...done };
    } catch (error) {
      signal.throwIfAborted();
      const refusal = refusalOf(error);
      return {
        rollout: { message: 'The running cluster is left as it is.' },
        gatewayRevision: cluster.status?.gatewayRevision,
        ...(refusal ? { refusal } : { failure: error }),
      };
    }
  }

  /** The wanted objects. @throws BrokenReferenceError, ConfigError when the spec cannot be carried out. */
  async #desired(
    cluster: Stored<OpenIMCluster>,
    view: ClusterView,
    { effective, settingsLevel: level }: Wanted,
    objectsURL: string,
    signal: AbortSignal,
  ): Promise<{ readonly desired: Desired; readonly rpcKey: string }> {
    const { owner } = view;
    const external = await this.#secrets.externalValues(owner.namespace, effective, signal);
    const credentials = await this.#generated.credentials(owner, makeCredentials, signal);
    const { entries: tenants } = this.#tenantStatus.plan(keyOf(cluster), level);
    const ids = tenants.map(({ id }) => id);
    const tenantSecrets = await this.#generated.tenants(owner, ids, signal);
    const seen: RpcKeySeen = {
      image: effective.image,
      operatorImage: this.#deps.operator.image,
      pods: view.rolePods(),
      started: view.hasWorkloads(),
      processes: this.#deps.observer.seen(keyOf(cluster)).processes,
    };
    const keyPlan = planRpcKey(credentials, seen);
    await this.#generated.keep(owner, keyPlan.keep, signal);
    const connection = connectionOf({ owner, effective, credentials, external });
    const checks = storeChecks({ owner, effective, connection });
    this.#deps.observer.watch(keyOf(cluster), () => ({ targets: view.targets(), checks }));
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
      statefulSets: view.statefulSets(),
    });
    // Seen by the next look, which the change of the Secret brings about.
    await this.#generated.keep(owner, settleRpcKey(credentials, keyPlan, seen, desired.configHash), signal);
    return { desired, rpcKey: credentials[RPC_KEY_ENTRY.key] ?? '' };
  }

  /**
   * Applies workloads stage by stage: what changes pods is applied when all stages before it are as
   * they should be; what does not, and what is not there yet, at once.
   */
  async #rollOut(stages: readonly Stage[], signal: AbortSignal): Promise<RolloutState> {
    let waiting: { stage: string; message: string } | undefined;
    for (const { name, workloads } of stages) {
      const before = waiting;
      for (const manifest of workloads) {
        const observed = this.#applier.observed(manifest) as Stored<Deployment> | undefined;
        if (before && changesPods(manifest, observed)) continue;
        const { object } = await this.#applier.apply(manifest, signal);
        const reason = unsettled(object as Stored<Deployment>);
        if (reason !== undefined) waiting ??= { stage: name, message: reason };
      }
    }
    return waiting ?? { message: 'Every part is as the spec says.' };
  }

  /** The gateways' next step. While other stages are under way the revision that serves is kept. */
  async #gateways(
    cluster: Stored<OpenIMCluster>,
    view: ClusterView,
    input: WorkloadInput,
    rpcKey: string,
    othersSettled: boolean,
    signal: AbortSignal,
  ): Promise<{ plan: GatewayPlan; revision: string }> {
    const { client, processes, observer, events } = this.#deps;
    const key = keyOf(cluster);
    const shown = view.selectedRevision();
    if (shown === this.#turned.get(key)) this.#turned.delete(key);
    const selected = this.#turned.get(key) ?? shown;
    const wanted = gatewayRevision(input);
    // Which revision it selects is changed step by step; the rest of the Service at once.
    if (selected !== undefined) {
      await this.#applier.apply(gatewayService(view.owner, input.effective, selected), signal);
    }
    const serving = view
      .gatewayDeployments()
      .some(({ metadata }) => metadata.name === nameOf.gatewayRevision(view.owner.name, selected ?? ''));
    const target = othersSettled || !serving || selected === undefined ? wanted : selected;
    const plan = await reconcileGateways(
      {
        client,
        applier: this.#applier,
        processes,
        rpcKey,
        tell: (reason, message) => events.event(cluster, { type: 'Normal', reason, message }),
      },
      input,
      target,
      {
        deployments: view.gatewayDeployments(),
        pods: view.gatewayPods(),
        selected,
        processes: observer.seen(key).processes,
      },
      signal,
    );
    for (const action of plan.actions) if (action.kind === 'select') this.#turned.set(key, action.revision);
    return { plan: target === wanted ? plan : { ...plan, settled: false }, revision: target };
  }

  /** Deletes objects of the cluster that it should not have any more. */
  async #prune(view: ClusterView, desired: Desired, signal: AbortSignal): Promise<void> {
    const { children, client } = this.#deps;
    const { owner } = view;
    const manifests = [
      ...desired.base,
      ...desired.stages.flatMap(({ workloads }) => workloads),
      ...view.gatewayDeployments(),
    ];
    const wanted = new Set(manifests.map((manifest) => childId(this.#applier.typeOf(manifest), manifest)));
    const gatewayServiceKey = { namespace: owner.namespace, name: nameOf.component(owner.name, 'gateway') };
    wanted.add(childId(children.services.type, gatewayServiceKey));
    const { pods: _pods, volumeClaims: _claims, ...prunable } = children;
    await prune({
      client,
      ownerUid: owner.uid,
      namespace: owner.namespace,
      labels: { 'app.kubernetes.io/managed-by': MANAGED_BY, 'app.kubernetes.io/instance': owner.name },
      wanted,
      among: Object.values(prunable) as unknown as readonly Informer<KubeObject>[],
      signal,
    });
  }

  async #growVolumes(view: ClusterView, effective: EffectiveSpec, signal: AbortSignal): Promise<void> {
    for (const { name, size } of pvcResizes(effective, view.volumeClaims())) {
      const patch = { spec: { resources: { requests: { storage: size } } } };
      const key = { namespace: view.owner.namespace, name };
      await this.#deps.client.patch(PERSISTENT_VOLUME_CLAIM, key, patch, { signal });
    }
  }

  async #delete(cluster: Stored<OpenIMCluster>, signal: AbortSignal): Promise<ReconcileResult> {
    const { client, children, operator } = this.#deps;
    if (!cluster.metadata.finalizers?.includes(FINALIZER)) return {};
    const { done, waiting } = await deleteCluster(client, children, cluster, signal);
    if (done) return {};
    const view = new ClusterView(ownerOf(cluster), children);
    const outcome = { rollout: { stage: 'deletion', message: waiting } };
    await this.#writeStatus(cluster, view, effectiveOf(cluster, operator), outcome, signal);
    return { requeueAfterMs: BUSY_MS };
  }

  async #writeStatus(
    cluster: Stored<OpenIMCluster>,
    view: ClusterView,
    effective: EffectiveSpec,
    { rollout, gatewayRevision: revision, configHash, refusal, failure, settings }: Outcome,
    signal: AbortSignal,
  ): Promise<void> {
    const { observer, applier } = this.#deps;
    const roles = ['rpc', 'transfer', 'push', 'cron', 'api'] as const;
    const status = clusterStatus({
      owner: view.owner,
      generation: cluster.metadata.generation ?? 0,
      effective,
      refusal,
      failure: failure === undefined ? undefined : describe(failure),
      pods: view.pods(),
      updated: Object.fromEntries(roles.map((role) => [role, view.updatedPods(role)])),
      observation: observer.seen(keyOf(cluster)),
      rollout,
      gatewayRevision: revision,
      configHash,
      settings,
      endpoints: {
        ...view.endpoints(effective),
        objectStorage: view.objectsURL(effective, cluster.status?.endpoints?.objectStorage).url,
      },
      partitions: PARTITIONS,
      before: cluster.status,
      now: new Date(),
    });
    const { name, namespace } = cluster.metadata;
    // Status alone: no field of the spec becomes the operator's.
    const object = { apiVersion: API_VERSION, kind: 'OpenIMCluster', metadata: { name, namespace }, status };
    await applier.applyStatus(OPENIM_CLUSTER, object as unknown as OpenIMCluster, cluster, { signal });
    this.#conditionEvents.tell(cluster, status);
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

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
