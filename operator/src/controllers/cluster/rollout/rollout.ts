import type { Deployment, StatefulSet, Stored } from '@im/kube';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import { ANNOTATION } from '../../../resources/names.ts';
import type { AspectReport, Waiting } from '../aspect-report.ts';
import type { AspectResult } from '../aspects.ts';
import type { AttemptsOfReconcile } from '../attempts.ts';
import type { ManifestApplier } from '../children.ts';
import type { Stage } from '../create.ts';
import { APPLY_MS, isRefused } from '../objects.ts';
import { QUEUED, type RolloutState } from '../observation/observation.ts';
import type { Problem } from '../problem.ts';
import { UPGRADE_WAITS } from '../upgrade/start.ts';

/** Why a stage is not complete. */
interface Blocked {
  readonly stage: string;
  readonly waiting: Waiting;
  readonly stalled: boolean;
}

/** Reason of the wait for the gates of an upgrade. */
export const GATE = 'UpgradeGate';

/** Conditions of a rollout besides its stages. */
export interface RolloutOptions {
  /** What holds back changes that replace pods, in all stages. */
  readonly held?: RolloutState | undefined;
  /** Whether no stage waits for another one; a person decided so. */
  readonly forced?: boolean | undefined;
  /** Holds back the changes of single stages. @default none */
  readonly holdOf?: ((stage: string) => RolloutState | undefined) | undefined;
}

/**
 * Applies the workloads stage by stage. A change that replaces pods is applied when all stages before it are
 * complete; a new workload, and a change that replaces none, is applied at once. A refused workload blocks its stage
 * only.
 */
export async function rollOut(
  { applier, attempts }: { readonly applier: ManifestApplier; readonly attempts: AttemptsOfReconcile },
  stages: readonly Stage[],
  signal: AbortSignal,
  { held, forced = false, holdOf = () => undefined }: RolloutOptions = {},
): Promise<AspectResult<RolloutState>> {
  const problems: Problem[] = [];
  let conflict: unknown;
  let first: Blocked | undefined;
  if (held?.stage !== undefined) {
    first = { stage: held.stage, waiting: waitingFor(held.reason ?? 'Held', held.message), stalled: false };
  }
  /** Stages with changes that wait for another stage. */
  const behind: string[] = [];
  for (const { name, workloads } of stages) {
    const hold = holdOf(name);
    const gated: Blocked | undefined = hold && {
      stage: hold.stage ?? name,
      waiting: waitingFor(hold.reason ?? GATE, hold.message),
      stalled: false,
    };
    const before = forced && first?.stage !== 'objects' ? undefined : (first ?? gated);
    for (const manifest of workloads) {
      const observed = applier.observed(manifest) as Stored<Deployment> | undefined;
      if (before && changesPods(manifest, observed)) {
        first ??= before;
        if (behind.at(-1) !== name) behind.push(name);
        continue;
      }
      const apply = () => applier.apply(manifest, signal, APPLY_MS);
      const attempted = await attempts.run(manifest, manifest, apply, signal);
      if ('conflict' in attempted) {
        conflict ??= attempted.conflict;
        first ??= { stage: name, waiting: waitingFor('Conflict', 'retrying'), stalled: false };
      } else if ('problem' in attempted) {
        const { problem } = attempted;
        problems.push(problem);
        const waiting = waitingFor(problem.reason, problem.message);
        first ??= { stage: name, waiting, stalled: isRefused(problem) };
      } else {
        const blocked = rolloutBlock(attempted.value.object as Stored<Deployment>);
        if (blocked) first ??= { stage: name, ...blocked };
      }
    }
  }
  if (!first) {
    return { result: { message: 'All components match the spec.' }, problems, conflict, stalled: false };
  }
  const { stage, waiting, stalled } = first;
  const message = behind.length === 0 ? waiting.message : `${waiting.message}; ${behind.join(', ')} wait`;
  const gate = waiting.reason === GATE ? GATE : undefined;
  const reason = held && stage === held.stage ? held.reason : gate;
  const state: RolloutState = { stage, message, behind, reason };
  return { result: state, problems, conflict, waiting: { ...waiting, message }, stalled };
}

/** How far the workloads of a stage match their manifests. */
export function stageState(
  workloads: Stage['workloads'],
  applier: Pick<ManifestApplier, 'observed'>,
): { readonly state: 'pending' | 'running' | 'settled'; readonly message: string } {
  for (const manifest of workloads) {
    const observed = applier.observed(manifest) as Stored<Deployment> | undefined;
    if (changesPods(manifest, observed))
      return { state: 'pending', message: `${manifest.metadata?.name} is to be changed` };
  }
  for (const manifest of workloads) {
    const observed = applier.observed(manifest) as Stored<Deployment> | undefined;
    const blocked = observed && rolloutBlock(observed);
    if (!observed) return { state: 'running', message: `${manifest.metadata?.name} is to be created` };
    if (blocked) return { state: 'running', message: blocked.waiting.message };
  }
  return { state: 'settled', message: 'all pods are available' };
}

/** Whether a person decided that the rollout of this generation waits for nothing but missing objects. */
export function isForced({ metadata }: Stored<OpenIMCluster>): boolean {
  return metadata.annotations?.[ANNOTATION.forceRollout] === String(metadata.generation);
}

function waitingFor(reason: string, message: string): Waiting {
  return { reason, message };
}

/** Time for which a rollout may wait for the same thing before it needs attention, ms. */
export const OVERDUE_MS = 600_000;

/** A rollout that has been in the same state since `since`: after ten minutes it is stalled, and names the way out. */
export function withAge({
  state,
  report,
  since,
  now,
  cluster: { metadata },
}: {
  readonly state: RolloutState;
  readonly report: AspectReport;
  readonly since: number;
  readonly now: number;
  readonly cluster: Stored<OpenIMCluster>;
}): { readonly state: RolloutState; readonly report: AspectReport } {
  // These waits end by themselves, have another deadline, or are what a person wants.
  const isMeant = state.stage === QUEUED || state.stage === UPGRADE_WAITS || state.reason === GATE;
  if (!report.waiting || isMeant) return { state, report };
  const waiting = { ...report.waiting, since, until: since + OVERDUE_MS };
  if (now < waiting.until) return { state, report: { ...report, waiting } };
  const isHeld = (state.behind ?? []).length > 0 && state.stage !== 'objects';
  const wayOut = isHeld
    ? `; to let them not wait, annotate the cluster with ${ANNOTATION.forceRollout}=${metadata.generation}`
    : '';
  const message = `${state.message} (for more than ${OVERDUE_MS / 60_000} minutes)${wayOut}`;
  return {
    state: { ...state, message },
    report: { ...report, waiting: { ...waiting, message }, stalled: true },
  };
}

/** Why the rollout of a Deployment or StatefulSet is not complete; undefined when it is. */
function rolloutBlock({
  metadata,
  spec,
  status,
}: Stored<Deployment> | Stored<StatefulSet>): Omit<Blocked, 'stage'> | undefined {
  const wanted = spec?.replicas ?? 1;
  const blocked = (reason: string, message: string, stalled = false) => ({
    waiting: waitingFor(reason, `${metadata.name}${message}`),
    stalled,
  });
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    return blocked('Observing', ': waiting for its controller to observe the change');
  }
  const stuck = (status?.conditions ?? []).find(
    ({ type, status: holds }) => type === 'Progressing' && holds === 'False',
  );
  if (stuck) {
    return blocked('NoProgress', ` makes no progress: ${stuck.message ?? stuck.reason ?? ''}`, true);
  }
  const updated = status?.updatedReplicas ?? 0;
  if (updated < wanted) return blocked('Updating', `: ${updated} of ${wanted} pods updated`);
  // A StatefulSet reports ready pods in availableReplicas, too.
  const available = status?.availableReplicas ?? 0;
  if (available < wanted) {
    return blocked('PodsNotAvailable', `: ${available} of ${wanted} pods available`);
  }
  const all = status?.replicas ?? 0;
  if (all > wanted) return blocked('Terminating', `: ${all - wanted} old pods are terminating`);
  return undefined;
}

/** Whether applying `manifest` would replace the pods of `observed`. */
function changesPods(
  manifest: Deployment | StatefulSet,
  observed: Stored<Deployment> | Stored<StatefulSet> | undefined,
): boolean {
  const hash = (workload: typeof manifest | typeof observed) =>
    workload?.metadata?.annotations?.[ANNOTATION.templateHash];
  return observed !== undefined && hash(manifest) !== hash(observed);
}
