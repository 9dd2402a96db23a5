import { ConfigError } from '@im/contract';
import type { Metrics } from '@im/kit';
import {
  type Applier,
  type CoreEvent,
  type EventRecorder,
  type Informer,
  isConflict,
  type KubeClient,
  keyOf,
  type ReconcileResult,
  type Stored,
} from '@im/kube';
import type { Logger } from '@im/process';
import type { storeChecks } from '../../checks/store-checks.ts';
import { effectiveSpec, type OperatorDefaults } from '../../resources/effective.ts';
import { OPENIM_CLUSTER, type OpenIMCluster } from '../../resources/kinds.ts';
import { FINALIZER } from '../../resources/names.ts';
import { knownClusterSpec, settingsLevel, taggedVersion } from '../../resources/settings-level.ts';
import type { UpgradeRecord } from '../../resources/upgrade-record.ts';
import type { TenantDelivery } from '../tenant/delivery.ts';
import type { TenantReconciler } from '../tenant/reconcile.ts';
import type { AspectInput } from './aspects.ts';
import { Attempts } from './attempts.ts';
import { BrokenReferenceError } from './broken-reference.ts';
import { type Children, ManifestApplier } from './children.ts';
import { deleteCluster } from './delete.ts';
import { GatewayAutoscaler } from './gateways/autoscaler.ts';
import { GatewayReconciler } from './gateways/gateways.ts';
import { markClaims } from './generated-secrets.ts';
import type { NodeNotices } from './observation/nodes.ts';
import { PAUSED_STAGE, type Refusal, type RolloutState } from './observation/observation.ts';
import { ObservedCluster, ownerOf } from './observation/observed-cluster.ts';
import type { Observer } from './observation/observer.ts';
import type { ProcessApi } from './observation/process-api.ts';
import { publishedObjectsURL, runningOf } from './observation/running.ts';
import type { Outcome } from './outcome.ts';
import { ForeignObjectError } from './ownership.ts';
import {
  currentRevision,
  historyOf,
  markRevision,
  type RevisionHistory,
  recordUpgrade,
  revisionsOf,
  startedAtOf,
  templateVersionFor,
} from './revisions.ts';
import { BUSY_MS, RESYNC_MS, Unchanged } from './rollout/pace.ts';
import { GATE, isForced } from './rollout/rollout.ts';
import type { RolloutAdmission } from './rollout/rollout-admission.ts';
import { type AspectsOutcome, runAspects } from './run-aspects.ts';
import { runningReplicas } from './running-replicas.ts';
import type { SecretReader } from './secrets.ts';
import { statusReport } from './status/status-report.ts';
import { StatusWriter } from './status/status-writer.ts';
import { storeSharing } from './stores/store-sharing.ts';
import { atRealSizes } from './stores/volume-plan.ts';
import { tenantLayoutOf } from './tenant-layout.ts';
import type { UpgradeJudgement } from './upgrade/judge.ts';
import { rollbackOf, specKey, specOfRevision } from './upgrade/target.ts';
import {
  completed,
  endRecords,
  isAsked,
  isWorthWriting,
  nextUpgradeStep,
  type UpgradeInput,
  type UpgradeStep,
  undone,
} from './upgrade/upgrades.ts';
import { ObjectPlanner, type Wanted } from './wanted-objects.ts';

/** Dependencies of {@link ClusterReconciler}. */
export interface ClusterDeps {
  readonly client: KubeClient;
  readonly clusters: Informer<OpenIMCluster>;
  readonly tenants: TenantReconciler;
  readonly delivery: TenantDelivery;
  /** Has changed tenants delivered to the processes of a cluster. */
  readonly deliver: (key: string) => void;
  readonly children: Children;
  readonly userSecrets: SecretReader;
  /** How stores are checked. @default over the network */
  readonly storeChecks?: typeof storeChecks | undefined;
  /** Events about pods of StatefulSets that could not be created. */
  readonly failedCreates: Informer<CoreEvent>;
  readonly applier: Applier;
  readonly observer: Observer;
  readonly processes: ProcessApi;
  readonly nodes: Pick<NodeNotices, 'of'>;
  readonly admission: RolloutAdmission;
  readonly events: EventRecorder;
  readonly operator: OperatorDefaults;
  /** Namespace of the operator, which network policies admit. */
  readonly operatorNamespace: string;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Longest wait for the address of the object storage before roles are created without it, ms. */
const ADDRESS_MS = 60_000;

/** Time until a failed upgrade is rolled back, ms. */
const ROLLBACK_MS = 100;
/** Longest time until the next look at the gates of an upgrade, ms. */
const UPGRADE_LOOK_MS = 5_000;
/** The rollout of a cluster whose complete upgrade a person wants undone. */
const ROLLS_BACK: RolloutState = { stage: 'rollback', message: 'the upgrade is being undone' };
/** The rollout of a cluster that is not reconciled. */
const PAUSED: RolloutState = {
  stage: PAUSED_STAGE,
  message: 'spec.reconcile is Paused: nothing is changed; remove it to go on',
  reason: 'Paused',
};

/** Conflicts in a row after which they are reported as a failure: two operators may be at work. */
const MOST_CONFLICTS = 20;

/**
 * Reconciles clusters with their specs. Level-triggered: every call observes the whole cluster and takes the next
 * step. Between calls it keeps only what saves requests.
 */
export class ClusterReconciler {
  readonly #deps: ClusterDeps;
  readonly #applier: ManifestApplier;
  readonly #planner: ObjectPlanner;
  readonly #gateways: GatewayReconciler;
  readonly #autoscaler: GatewayAutoscaler;
  readonly #tenants: TenantReconciler;
  readonly #statuses: StatusWriter;
  readonly #attempts = new Attempts();
  readonly #unchanged = new Unchanged();
  readonly #conflicts = new Map<string, number>();

  constructor(deps: ClusterDeps) {
    this.#deps = deps;
    this.#applier = new ManifestApplier(deps.client, deps.applier, deps.children);
    this.#planner = new ObjectPlanner(deps);
    this.#gateways = new GatewayReconciler({ ...deps, applier: this.#applier });
    this.#autoscaler = new GatewayAutoscaler(deps);
    this.#tenants = deps.tenants;
    this.#statuses = new StatusWriter(deps.applier, deps.events);
  }

  /** Reconciles the cluster `namespace/name` once. @throws a conflict, without a change of status. */
  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    const stored = this.#deps.clusters.get(key);
    const cluster = stored && this.#statuses.latest(stored);
    if (!cluster || cluster.metadata.deletionTimestamp !== undefined) {
      this.#tenants.setContext(key, undefined);
      this.#deps.delivery.forget(key);
      this.#deps.admission.release(key);
      if (cluster) return this.#delete(cluster, signal);
      this.#forget(key);
      return {};
    }
    if (!cluster.metadata.finalizers?.includes(FINALIZER)) {
      await this.#addFinalizer(cluster, signal);
      return {};
    }
    const observed = new ObservedCluster(ownerOf(cluster), this.#deps.children);
    const history = historyOf(observed);
    const settingsLevel = this.#settingsLevel(cluster, observed, history);
    const { spec, leftOut } = knownClusterSpec(cluster.spec, settingsLevel);
    const running = runningOf(cluster, history.revisions);
    const rollback = rollbackOf(cluster, history.revisions);
    const wished = effectiveSpec(spec, this.#deps.operator, running);
    const given = rollback ? specOfRevision(rollback.to, wished) : wished;
    const { effective: scaled, scaledByOthers } = runningReplicas(spec, given, (role) =>
      observed.deployment(role),
    );
    const {
      effective,
      status: autoscaling,
      againAfterMs,
    } = this.#autoscaler.decide(cluster, observed, scaled);
    const templateVersion = templateVersionFor(observed.owner, history, effective.image, running?.image);
    const tenantLayout = tenantLayoutOf(settingsLevel, templateVersion, history.mounted);
    const wanted = {
      ...{ effective, scaledByOthers, settingsLevel, tenantLayout, history, templateVersion },
      rollback,
    };
    const outcome = this.#judged(key, {
      ...(await this.#reconcileComponents(cluster, observed, wanted, signal)),
      settings: { level: settingsLevel, leftOut },
      autoscaling,
    });
    await this.#statuses.write(
      cluster,
      statusReport(cluster, observed, effective, outcome, this.#deps),
      signal,
    );
    const { configHashes, wantedTenants: tenants } = outcome;
    const endpoints = observed.endpoints(effective);
    this.#tenants.setContext(key, {
      configHashes,
      entries: outcome.tenantEntries ?? [],
      hashes: tenants?.wanted.hashes,
      rotations: outcome.rotations?.plans,
      layout: tenantLayout,
      endpoints,
    });
    if (tenants && this.#deps.delivery.want(key, tenants)) this.#deps.deliver(key);
    if (outcome.failure !== undefined) throw outcome.failure;
    const { nextLookMs = RESYNC_MS * (1 + Math.random()), retryInMs = nextLookMs } = outcome;
    const keysMs = outcome.rotations?.againAfterMs ?? nextLookMs;
    return { requeueAfterMs: Math.min(nextLookMs, retryInMs, againAfterMs, keysMs) };
  }

  /** @throws the conflict of an outcome, unless there were too many in a row. */
  #judged(key: string, outcome: Outcome): Outcome {
    if (outcome.conflict === undefined) {
      this.#conflicts.delete(key);
      return outcome;
    }
    const count = (this.#conflicts.get(key) ?? 0) + 1;
    this.#conflicts.set(key, count);
    if (count < MOST_CONFLICTS) throw outcome.conflict;
    return { ...outcome, failure: outcome.failure ?? outcome.conflict };
  }

  /** Drops what is kept about a deleted cluster. */
  #forget(key: string): void {
    this.#deps.observer.forget(key);
    this.#gateways.forget(key);
    this.#autoscaler.forget(key);
    this.#statuses.forget(key);
    this.#attempts.forget(key);
    this.#unchanged.forget(key);
    this.#planner.forget(key);
    this.#conflicts.delete(key);
    this.#tenants.forget(key);
  }

  /** The settings that all processes of a cluster know, including those about to start. */
  #settingsLevel(
    cluster: Stored<OpenIMCluster>,
    observed: ObservedCluster,
    history: RevisionHistory,
  ): number {
    const { observer, operator } = this.#deps;
    const { processes } = observer.observationOf(keyOf(cluster));
    const wished = effectiveSpec(cluster.spec, operator, runningOf(cluster, history.revisions));
    const { image, version } = rollbackOf(cluster, history.revisions)?.to.content.effective ?? wished;
    const pods = observed.rolePods();
    const known = cluster.status?.effective as { readonly settingsLevel?: number } | undefined;
    return settingsLevel({
      before: observed.settingsLevel() ?? known?.settingsLevel,
      processes: [...processes.values()],
      complete: pods.every(({ name }) => processes.has(name)),
      wanted: taggedVersion(image) ?? version,
      rolledOut: pods.every((pod) => pod.image === image),
      own: operator.version,
      isNew: known === undefined && history.revisions.length === 0 && !observed.hasWorkloads(),
    });
  }

  /**
   * Takes the next step in every aspect. Rejects only when aborted: a failure is part of the outcome, so that status
   * reports it.
   */
  async #reconcileComponents(
    cluster: Stored<OpenIMCluster>,
    observed: ObservedCluster,
    wanted: Wanted,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { effective, history, rollback } = wanted;
    const { admission } = this.#deps;
    if (cluster.spec.reconcile === 'Paused') {
      admission.withdraw(keyOf(cluster));
      return { rollout: PAUSED, gatewayRevision: cluster.status?.gatewayRevision };
    }
    const standing = { cluster, observed, revisions: history.revisions };
    const first = admission.admitCreation(standing);
    if (first) {
      const { state: rollout, againAfterMs: nextLookMs } = first;
      return { rollout, nextLookMs, configHashes: new Set() };
    }
    try {
      const sized = { ...wanted, effective: atRealSizes(effective, observed.volumeClaims()) };
      const objects = observed.objectsURL(effective, publishedObjectsURL(cluster, history.revisions));
      const { desired, rpcKey, tenants, tenantEntries, rotations } = await this.#planner.of(
        cluster,
        observed,
        sized,
        objects.url,
        signal,
      );
      await markClaims(this.#deps.client, observed.owner, observed.volumeClaims(), signal);
      const observation = this.#deps.observer.observationOf(keyOf(cluster));
      const sharing = storeSharing(effective, observation, observed.hasWorkloads());
      const now = Date.now();
      const addressLeftMs = ADDRESS_MS - (now - (observed.firstWorkloadAt() ?? now));
      // The services read it at their start only: started now, they would all be restarted soon.
      const awaitsAddress = objects.pending && addressLeftMs > 0 && observed.selectedRevision() === undefined;
      const seconds = Math.ceil(addressLeftMs / 1_000);
      const address = `the address of the object storage Service, at most ${seconds} s`;
      const rolesWaitFor = sharing ?? (awaitsAddress ? address : undefined);
      // While it waits, the revision is not complete enough to be recorded.
      const base =
        rolesWaitFor !== undefined
          ? desired.base.filter(({ kind }) => kind !== 'ControllerRevision')
          : desired.base;
      const aspectInput: AspectInput = {
        cluster,
        observed,
        effective,
        desired: { ...desired, base },
        rpcKey,
      };
      const means = {
        ...this.#deps,
        applier: this.#applier,
        gateways: this.#gateways,
        attempts: this.#attempts.of(cluster),
        unchanged: this.#unchanged,
      };
      if (rolesWaitFor !== undefined) return await runAspects(aspectInput, means, { rolesWaitFor }, signal);
      const update = desired.revision;
      let current = currentRevision(history.revisions)?.name;
      const hasStarted = startedAtOf(history.revisions) !== undefined;
      const input: UpgradeInput = {
        ...{ cluster, observed, effective: sized.effective, desired, observation, rollback, now },
        revisions: history.revisions,
        applier: this.#applier,
      };
      const upgrade: UpgradeStep = isForced(cluster) ? { kind: 'none' } : nextUpgradeStep(input);
      const mark = (what: 'startedAt' | 'completedAt') =>
        markRevision(this.#deps.client, observed.owner, update, what, signal);
      if (upgrade.kind === 'waits') admission.withdraw(keyOf(cluster));
      const queued = upgrade.kind === 'waits' ? upgrade.wait : admission.admitRollout(standing, update);
      const record = (upgraded: UpgradeRecord) =>
        recordUpgrade(this.#deps.client, observed.owner, update, upgraded, signal);
      const known = history.revisions.find(({ name }) => name === update)?.upgrade;
      const judgement = upgrade.kind === 'runs' && !queued ? upgrade.judgement : undefined;
      const isNew = upgrade.kind === 'runs' && upgrade.isNew;
      const starts = current !== undefined && current !== update && !hasStarted;
      if (judgement && !isNew && isWorthWriting(known, judgement.record)) await record(judgement.record);
      const extra = { wantedTenants: tenants, tenantEntries, rotations, upgrade, rollback };
      if (judgement?.record.failure) {
        // The next reconcile rolls the cluster back.
        const { step, message } = judgement.record.failure;
        const rollout = { stage: step, message: `the upgrade failed: ${message}`, reason: 'UpgradeFailed' };
        return { ...extra, rollout, configHashes: desired.configHashes, nextLookMs: ROLLBACK_MS };
      }
      const gate = {
        queued: queued?.state,
        isRollback: rollback !== undefined,
        holdOf: judgement && ((stage: string) => holdOf(judgement, stage)),
        onStart: async () => {
          if (judgement && isNew) await record(judgement.record);
          if (starts) await mark('startedAt');
        },
      };
      if (current === update && known?.outcome === 'Succeeded' && isAsked(cluster, update, known)) {
        const failed = undone(known, specKey(cluster.spec), now);
        await record(failed);
        // Status has it at once, whether or not the watch has brought it.
        const revisions = history.revisions.map((one) =>
          one.name === update ? { ...one, upgrade: failed } : one,
        );
        return {
          ...extra,
          rollback: rollbackOf(cluster, revisions),
          rollout: ROLLS_BACK,
          configHashes: desired.configHashes,
          nextLookMs: ROLLBACK_MS,
        };
      }
      const outcome = gated(await runAspects(aspectInput, means, gate, signal), judgement);
      await endRecords(this.#deps.client, input, outcome.podsMatch, signal);
      if (outcome.podsMatch) {
        if (judgement) await record(completed(input, judgement.record));
        if (current !== update || hasStarted) await mark('completedAt');
        current = update;
        admission.release(keyOf(cluster));
      }
      const nextLookMs = queued ? queued.againAfterMs : outcome.nextLookMs;
      return {
        ...outcome,
        nextLookMs,
        ...extra,
        revisions: { current, update },
      };
    } catch (error) {
      signal.throwIfAborted();
      const gatewayRevision = cluster.status?.gatewayRevision;
      const rollout = { message: 'The running cluster is unchanged.' };
      if (isConflict(error)) return { rollout, gatewayRevision, conflict: error };
      admission.withdraw(keyOf(cluster));
      const refusal = refusalOf(error);
      return { rollout, gatewayRevision, ...(refusal ? { refusal } : { failure: error }) };
    }
  }

  async #delete(cluster: Stored<OpenIMCluster>, signal: AbortSignal): Promise<ReconcileResult> {
    const { client, children, operator } = this.#deps;
    if (!cluster.metadata.finalizers?.includes(FINALIZER)) return {};
    const { done, waiting } = await deleteCluster(client, children, cluster, signal);
    if (done) {
      this.#forget(keyOf(cluster));
      return {};
    }
    const observed = new ObservedCluster(ownerOf(cluster), children);
    const outcome = { rollout: { stage: 'deletion', message: waiting } };
    const effective = effectiveSpec(cluster.spec, operator, runningOf(cluster, revisionsOf(observed)));
    await this.#statuses.write(
      cluster,
      statusReport(cluster, observed, effective, outcome, this.#deps),
      signal,
    );
    return { requeueAfterMs: BUSY_MS };
  }

  async #addFinalizer({ metadata }: Stored<OpenIMCluster>, signal: AbortSignal): Promise<void> {
    const { name, namespace, resourceVersion } = metadata;
    const finalizers = [...(metadata.finalizers ?? []), FINALIZER];
    const patch = { metadata: { finalizers, resourceVersion } };
    await this.#deps.client.patch(OPENIM_CLUSTER, { namespace, name }, patch, { signal });
  }
}

/** What holds back a stage of an upgrade: a step that may not run yet. */
function holdOf({ record, mayRun, message }: UpgradeJudgement, stage: string): RolloutState | undefined {
  if (mayRun.has(stage) || !record.steps.some(({ name }) => name === stage)) return undefined;
  return { message, reason: GATE };
}

/** The outcome of a reconcile during an upgrade: nothing is complete before its last gate is passed. */
function gated(outcome: AspectsOutcome, judgement: UpgradeJudgement | undefined): AspectsOutcome {
  if (!judgement) return outcome;
  const { step, message } = judgement;
  const nextLookMs = Math.min(outcome.nextLookMs ?? BUSY_MS, UPGRADE_LOOK_MS);
  if (!outcome.podsMatch || step === undefined) return { ...outcome, nextLookMs };
  return { ...outcome, podsMatch: false, rollout: { stage: step, message }, nextLookMs };
}

function refusalOf(error: unknown): Refusal | undefined {
  if (error instanceof BrokenReferenceError || error instanceof ForeignObjectError) return error.refusal;
  if (error instanceof ConfigError) return { reason: 'InvalidConfig', message: error.message };
  return undefined;
}
