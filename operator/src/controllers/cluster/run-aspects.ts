import { type KubeClient, keyOf } from '@im/kube';
import type { AspectName, AspectReports } from './aspect-report.ts';
import { type AspectInput, type AspectResult, runAspect } from './aspects.ts';
import type { AttemptsOfReconcile } from './attempts.ts';
import type { Children, ManifestApplier } from './children.ts';
import { isStoreStage } from './create.ts';
import { pruneChildren } from './delete.ts';
import type { GatewayReconciler } from './gateways/gateways.ts';
import { applyMonitoring } from './monitoring.ts';
import { applyObjects, type ObjectsResult } from './objects.ts';
import type { RolloutState } from './observation/observation.ts';
import { nextLookMs, type Unchanged } from './rollout/pace.ts';
import { isForced, rollOut, withAge } from './rollout/rollout.ts';
import { routeProblems } from './status/route-problems.ts';
import type { Volume } from './stores/volume-plan.ts';
import { reconcileVolumes } from './stores/volumes.ts';
import { CANARY, GATEWAYS } from './upgrade/step-names.ts';

/** What the aspects work with. */
export interface AspectDeps {
  readonly client: KubeClient;
  readonly children: Children;
  readonly applier: ManifestApplier;
  readonly gateways: GatewayReconciler;
  readonly attempts: AttemptsOfReconcile;
  readonly unchanged: Unchanged;
}

/** Outcome of all aspects of one reconcile. */
export interface AspectsOutcome {
  readonly rollout: RolloutState;
  /** Whether all pods match the wanted revision, even if other objects could not be applied. */
  readonly podsMatch: boolean;
  readonly gatewayRevision?: string | undefined;
  /** Hashes of the applied config, by what pods mount; undefined when none could be applied. */
  readonly configHashes?: ReadonlySet<string> | undefined;
  readonly aspects: AspectReports;
  /** Volumes of managed stores; undefined when they could not be determined. */
  readonly volumes?: readonly Volume[] | undefined;
  /** Time until the next look at a rollout that is not complete, ms. */
  readonly nextLookMs?: number | undefined;
  /** Time until a request that did not succeed is to be repeated, ms. */
  readonly retryInMs: number;
  /** A write that was based on stale state. */
  readonly conflict?: unknown;
}

interface GatewaysResult {
  readonly complete: boolean;
  /** What is waited for. */
  readonly message: string;
  readonly revision: string | undefined;
}

/** What a rollout depends on besides the cluster's own state. */
export interface RolloutGate {
  /** What is waited for before any role is started; managed stores are. */
  readonly rolesWaitFor?: string | undefined;
  /** The wait for other clusters, during which no pod is replaced. */
  readonly queued?: RolloutState | undefined;
  /** What holds back the changes of a stage; that of the gateways is named by its steps. */
  readonly holdOf?: ((stage: string) => RolloutState | undefined) | undefined;
  /** Whether it rolls an upgrade back: no connection moves to the gateways of the version that failed. */
  readonly isRollback?: boolean | undefined;
  /** Called before the first pod is replaced. */
  readonly onStart?: (() => Promise<void>) | undefined;
}

/**
 * Takes the next step in every aspect; a fault in one keeps none of the others from working.
 * @throws only when aborted.
 */
export async function runAspects(
  input: AspectInput,
  deps: AspectDeps,
  { rolesWaitFor, queued, holdOf, isRollback, onStart }: RolloutGate,
  signal: AbortSignal,
): Promise<AspectsOutcome> {
  const { cluster, desired } = input;
  const nothing: ObjectsResult = { missing: [] };
  const objects = await runAspect('objects', nothing, () => applyObjects(input, deps, signal), signal);
  const resize = () => reconcileVolumes(input, deps, signal);
  const volumes = await runAspect<readonly Volume[] | undefined>('volumes', undefined, resize, signal);
  const { missing } = objects.result;
  const stages = rolesWaitFor === undefined ? desired.stages : desired.stages.filter(isStoreStage);
  const held = missing.length === 0 ? queued : missingObjects(missing);
  const options = { held, forced: isForced(cluster), holdOf };
  const failed: RolloutState = { stage: 'rollout', message: 'the last step failed' };
  const work = async () => {
    if (held === undefined) await onStart?.();
    return rollOut(deps, stages, signal, options);
  };
  const rollout = await runAspect('rollout', failed, work, signal);
  if (rolesWaitFor !== undefined) {
    const state = { stage: 'stores', message: `waiting for ${rolesWaitFor}` };
    const aspects = { objects, volumes, rollout, monitoring: await reconcileMonitoring(input, deps, signal) };
    return { ...outcomeOf(input, deps, state, undefined, aspects), podsMatch: false };
  }
  const othersComplete = rollout.result.stage === undefined || (options.forced && missing.length === 0);
  const hold = options.forced ? undefined : holdOf;
  const gatewayHolds = {
    othersComplete: othersComplete && hold?.(CANARY) === undefined,
    holdsDrains: hold?.(GATEWAYS) !== undefined || (isRollback === true && !othersComplete),
  };
  const gateways = await runAspect(
    'gateways',
    { complete: false, message: 'the last step failed', revision: cluster.status?.gatewayRevision },
    () => reconcileGateways(input, deps, gatewayHolds, signal),
    signal,
  );
  const pruned = await runAspect('objects', nothing, () => prune(input, deps, signal), signal);
  const unrouted = routeProblems(input.observed.httpRoutes(), Date.now());
  const problems = [...objects.problems, ...pruned.problems, ...unrouted];
  const [problem] = problems;
  const state =
    rollout.result.stage !== undefined
      ? rollout.result
      : !gateways.result.complete
        ? { stage: 'gateway', message: gateways.result.message }
        : problem
          ? { stage: 'objects', message: problem.message }
          : rollout.result;
  const conflict = objects.conflict ?? pruned.conflict;
  const monitoring = await reconcileMonitoring(input, deps, signal);
  const aspects = { objects: { ...objects, problems, conflict }, volumes, rollout, gateways, monitoring };
  return {
    ...outcomeOf(input, deps, state, gateways.result.revision, aspects),
    podsMatch: rollout.result.stage === undefined && gateways.result.complete,
  };
}

function missingObjects(missing: readonly string[]): RolloutState {
  const message = `${missing.join(', ')} could not be applied`;
  return { stage: 'objects', message, reason: 'ObjectsMissing' };
}

async function reconcileGateways(
  { cluster, observed, desired, rpcKey }: AspectInput,
  { gateways }: AspectDeps,
  holds: { readonly othersComplete: boolean; readonly holdsDrains: boolean },
  signal: AbortSignal,
): Promise<AspectResult<GatewaysResult>> {
  const step = { cluster, observed, input: desired.gateway, rpcKey, ...holds };
  const { plan, revision } = await gateways.reconcile(step, signal);
  const [waiting] = plan.waiting;
  const message = waiting?.message ?? 'the next step is in progress';
  return { result: { complete: plan.complete, message, revision }, problems: [], waiting, stalled: false };
}

/** Comes last: what does not answer delays nothing that serves users. */
function reconcileMonitoring(input: AspectInput, deps: AspectDeps, signal: AbortSignal) {
  return runAspect('monitoring', undefined, () => applyMonitoring(input, deps, signal), signal);
}

async function prune(
  { observed, desired }: AspectInput,
  deps: AspectDeps,
  signal: AbortSignal,
): Promise<AspectResult<ObjectsResult>> {
  await pruneChildren(deps, deps.applier, observed, desired, signal);
  return { result: { missing: [] }, problems: [], stalled: false };
}

function outcomeOf(
  { cluster, desired }: AspectInput,
  { attempts, unchanged }: AspectDeps,
  rollout: RolloutState,
  gatewayRevision: string | undefined,
  aspects: Readonly<Partial<Record<AspectName, AspectResult<unknown>>>> & {
    readonly volumes: AspectResult<readonly Volume[] | undefined>;
    readonly rollout: AspectResult<RolloutState>;
  },
): Omit<AspectsOutcome, 'podsMatch'> {
  const conflict = Object.values(aspects).find((each) => each.conflict !== undefined)?.conflict;
  const { retryInMs } = attempts;
  const now = Date.now();
  const since = unchanged.since(keyOf(cluster), `${rollout.stage}: ${rollout.message}`, now);
  const aged = withAge({ state: rollout, report: aspects.rollout, since, now, cluster });
  return {
    rollout: aged.state,
    gatewayRevision,
    configHashes: desired.configHashes,
    aspects: { ...aspects, rollout: aged.report },
    volumes: aspects.volumes.result,
    nextLookMs: rollout.stage === undefined ? undefined : nextLookMs(now - since),
    retryInMs,
    conflict,
  };
}
