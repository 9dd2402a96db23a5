import type { KubeClient, Stored } from '@im/kube';
import type { EffectiveSpec } from '../../../resources/effective.ts';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import { ANNOTATION, nameOf, REVISION_LABEL } from '../../../resources/names.ts';
import { numberOrShare } from '../../../resources/quantity.ts';
import type { Revision } from '../../../resources/revision.ts';
import type { StepRecord, UpgradeRecord } from '../../../resources/upgrade-record.ts';
import type { ManifestApplier } from '../children.ts';
import type { Desired } from '../create.ts';
import type { Observation } from '../observation/observation.ts';
import type { ObservedCluster } from '../observation/observed-cluster.ts';
import { currentRevision, endedUpgrades, recordUpgrade } from '../revisions.ts';
import { stageState } from '../rollout/rollout.ts';
import { podFault } from '../status/pod-problem.ts';
import { lookAt, proberOf } from './gates.ts';
import { judgeUpgrade, type ObservedStep, type UpgradeJudgement, type UpgradeLimits } from './judge.ts';
import { sumOfMoved } from './moved-connections.ts';
import { paceOf, paceOfSteps } from './pace.ts';
import { type PlannedStep, planSteps, sumOf, UPGRADE_SOAK_SECONDS } from './plan.ts';
import { type StartWait, startWait, UNOBSERVED } from './start.ts';
import { CANARY, GATEWAYS } from './step-names.ts';
import { isUpgrade, momentOf, type Rollback, specKey } from './target.ts';

/** A cluster and the revision that it is to match. */
export interface UpgradeInput {
  readonly cluster: Stored<OpenIMCluster>;
  readonly observed: ObservedCluster;
  readonly effective: EffectiveSpec;
  readonly desired: Desired;
  /** Newest first. */
  readonly revisions: readonly Revision[];
  readonly observation: Observation;
  readonly rollback: Rollback | undefined;
  readonly applier: Pick<ManifestApplier, 'observed'>;
  readonly now: number;
}

/** An upgrade as far as it is decided. */
export type UpgradeStep =
  /** No upgrade, or the way back from one. */
  | { readonly kind: 'none' }
  /** It has not started. */
  | { readonly kind: 'waits'; readonly from: Revision; readonly wait: StartWait }
  /** It goes on. */
  | {
      readonly kind: 'runs';
      readonly from: Revision;
      readonly judgement: UpgradeJudgement;
      readonly isNew: boolean;
    };

const STEP_DEADLINE_SECONDS = 600;

/** Limits of the upgrades of a cluster. */
export function limitsOf({ spec }: Pick<OpenIMCluster, 'spec'>): UpgradeLimits {
  return {
    soakSeconds: spec.upgrade?.soakSeconds ?? UPGRADE_SOAK_SECONDS,
    stepDeadlineSeconds: spec.upgrade?.stepDeadlineSeconds ?? STEP_DEADLINE_SECONDS,
  };
}

/** Decides how an upgrade goes on; a pure function of what is observed. */
export function nextUpgradeStep(input: UpgradeInput): UpgradeStep {
  const { cluster, desired, revisions, effective, rollback, now } = input;
  const from = currentRevision(revisions);
  const isBehind = from !== undefined && from.name !== desired.revision;
  if (rollback || !isBehind || !isUpgrade(from.content.effective, effective)) return { kind: 'none' };
  const known = revisions.find(({ name }) => name === desired.revision)?.upgrade;
  // One that has ended well is marked at the next step; one that was undone starts over.
  if (known?.outcome === 'Succeeded' && known.from === from.name) return { kind: 'none' };
  const isOpen = known !== undefined && known.finishedAt === undefined && known.failure === undefined;
  if (!isOpen) {
    const approved = cluster.metadata.annotations?.[ANNOTATION.approve];
    const wait = startWait(cluster.spec.upgrade ?? {}, desired.revision, approved, now);
    if (wait) return { kind: 'waits', from, wait };
    // The plan counts connections, and the proof begins with what the prober has found so far.
    if (input.observation.observedAt === undefined) return { kind: 'waits', from, wait: UNOBSERVED };
  }
  const record = isOpen ? known : newRecord(input, from);
  const judgement = judgeUpgrade({
    record,
    steps: observedSteps(input),
    observation: input.observation,
    oldGateways: oldGatewayPods(input.observed, input.desired),
    isProbed: effective.prober !== undefined,
    limits: limitsOf(cluster),
    paused: cluster.spec.upgrade?.paused ?? false,
    specKey: specKey(cluster.spec),
    rollbackAsked: isAsked(cluster, desired.revision, record),
    now,
  });
  return { kind: 'runs', from, judgement, isNew: !isOpen };
}

/** Whether a person wants an upgrade undone that is in progress or complete. */
export function isAsked(
  { metadata }: Stored<OpenIMCluster>,
  revision: string,
  { startedAt }: Pick<UpgradeRecord, 'startedAt'>,
): boolean {
  return metadata.annotations?.[ANNOTATION.rollBackUpgrade] === momentOf(revision, startedAt);
}

function newRecord(input: UpgradeInput, from: Revision): UpgradeRecord {
  const { observation, effective, now } = input;
  const prober = effective.prober && proberOf(observation);
  const steps = observedSteps(input).filter(({ state }) => state !== 'settled');
  const planned = plannedSteps(input, new Set(steps.map(({ name }) => name)));
  return {
    from: from.name,
    startedAt: now,
    baseline: prober && lookAt(prober),
    steps: planned.map(({ name, restarts }): StepRecord => ({ name, pods: restarts })),
    plan: sumOf(planned),
  };
}

/** What an upgrade of these steps is expected to do. */
function plannedSteps(
  { cluster, desired, effective, observation, revisions }: UpgradeInput,
  names: ReadonlySet<string>,
): PlannedStep[] {
  const { replicas, drain } = effective.gateway;
  const podsOf = (name: string) => {
    if (name === CANARY) return 0;
    if (name === GATEWAYS) return replicas;
    const workloads = desired.stages.find((stage) => stage.name === name)?.workloads ?? [];
    return workloads.reduce((sum, { spec }) => sum + (spec?.replicas ?? 1), 0);
  };
  const gateways = [...observation.processes.values()].flatMap(({ gateway }) => gateway ?? []);
  return planSteps({
    steps: [...names].map((name) => ({ name, pods: podsOf(name) })),
    connections: gateways.reduce((sum, { connections }) => sum + connections, 0),
    maxPerSecond: drain.maxConnectionsPerSecond,
    concurrentDrains: Math.max(1, Math.floor(numberOrShare(drain.maxConcurrentPods, replicas))),
    gateways: replicas,
    drainDeadlineSeconds: drain.deadlineSeconds,
    soakSeconds: effective.prober ? limitsOf(cluster).soakSeconds : 0,
    pace: paceOf(
      endedUpgrades(revisions).map(({ upgrade }) => upgrade),
      effective.prober !== undefined,
    ),
  });
}

/** All steps in the order of the rollout, those that change nothing included. */
function observedSteps({ observed, desired, effective, applier }: UpgradeInput): ObservedStep[] {
  const faultOf = (components: readonly string[]): string | undefined => {
    for (const pod of observed.pods()) {
      const component = pod.metadata.labels?.['app.kubernetes.io/component'] ?? '';
      const isNew = pod.spec?.containers.some(({ image }) => image === effective.image);
      if (!components.includes(component) || !isNew || pod.metadata.deletionTimestamp !== undefined) continue;
      const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
      const fault = scheduled?.status === 'False' ? undefined : podFault(pod);
      if (fault !== undefined) return `${pod.metadata.name} ${fault}`;
    }
    return undefined;
  };
  const stages = desired.stages.map(({ name, workloads }): ObservedStep => {
    const components = workloads.map(
      ({ metadata }) => metadata?.labels?.['app.kubernetes.io/component'] ?? '',
    );
    return { name, ...stageState(workloads, applier), podFault: faultOf(components) };
  });
  return [...stages, ...gatewaySteps(observed, desired, faultOf(['gateway']))];
}

function gatewaySteps(
  observed: ObservedCluster,
  desired: Desired,
  fault: string | undefined,
): ObservedStep[] {
  const wanted = desired.gatewayRevision;
  const deployments = observed.gatewayDeployments();
  const name = nameOf.gatewayRevision(observed.owner.name, wanted);
  const exists = deployments.some(({ metadata }) => metadata.name === name);
  const isSelected = observed.selectedRevision() === wanted;
  const old = oldGatewayPods(observed, desired).length;
  const canary: ObservedStep['state'] = isSelected ? 'settled' : exists ? 'running' : 'pending';
  const isDone = isSelected && old === 0 && deployments.length === 1;
  return [
    {
      name: CANARY,
      state: canary,
      message: isSelected ? 'new connections go to new gateways' : 'new gateways are not ready yet',
      podFault: fault,
    },
    {
      name: GATEWAYS,
      state: isDone ? 'settled' : isSelected ? 'running' : 'pending',
      message: `${old} old gateways hold connections`,
      podFault: fault,
    },
  ];
}

/** Names of the gateways that an upgrade replaces. */
function oldGatewayPods(observed: ObservedCluster, desired: Desired): string[] {
  return observed
    .gatewayPods()
    .filter(({ metadata }) => metadata.labels?.[REVISION_LABEL] !== desired.gatewayRevision)
    .map(({ metadata }) => metadata.name);
}

/** Ends records that nothing will end otherwise: those of other revisions, and the failed one once the cluster is back. */
export async function endRecords(
  client: KubeClient,
  { observed, desired, revisions, rollback, now }: UpgradeInput,
  isBack: boolean,
  signal: AbortSignal,
): Promise<void> {
  for (const { name, upgrade } of revisions) {
    if (!upgrade || upgrade.finishedAt !== undefined) continue;
    const end = async (outcome: 'RolledBack' | 'Superseded') => {
      const record = { ...upgrade, finishedAt: now, outcome };
      await recordUpgrade(client, observed.owner, name, record, signal);
    };
    if (rollback?.failed.name === name) {
      if (isBack) await end('RolledBack');
    } else if (name !== desired.revision) {
      await end('Superseded');
    }
  }
}

/** The record of an upgrade that is complete, compared with its plan. */
export function completed(
  { cluster, observed, effective, now }: UpgradeInput,
  record: UpgradeRecord,
): UpgradeRecord {
  const replaced = observed.pods().filter(({ metadata, spec }) => {
    const isNew = Date.parse(metadata.creationTimestamp ?? '') >= record.startedAt - 1_000;
    return isNew && spec?.containers.some(({ image }) => image === effective.image);
  });
  return {
    ...record,
    finishedAt: now,
    outcome: 'Succeeded',
    fact: {
      restarts: replaced.length,
      reconnects: sumOfMoved(record),
      seconds: Math.round((now - record.startedAt) / 1_000),
      ...paceOfSteps(record.steps, effective.prober ? limitsOf(cluster).soakSeconds : 0),
    },
  };
}

/** The record of a complete upgrade that a person wants undone. */
export function undone({ finishedAt: _, outcome: __, ...record }: UpgradeRecord, key: string, now: number) {
  const message = 'a person asked for the rollback';
  const failure = { at: now, step: 'complete', reason: 'RollbackRequested', message, specKey: key };
  return { ...record, failure };
}

/** Whether a record has to be written: the counts of its proof rise all the time, and status has them. */
export function isWorthWriting(before: UpgradeRecord | undefined, after: UpgradeRecord): boolean {
  const essence = (record: UpgradeRecord) => JSON.stringify({ ...record, proof: undefined });
  return before === undefined || essence(before) !== essence(after);
}
