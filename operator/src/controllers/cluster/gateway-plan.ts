import type { ProcessStatus } from '@im/contract';

/** A gateway pod as the plan sees it. */
export interface GatewayPod {
  readonly name: string;
  readonly revision: string;
  readonly ready: boolean;
  /** It is being deleted: it drains by itself and is left out of plans. */
  readonly terminating: boolean;
  /** Created at, ms since the epoch. */
  readonly createdAt: number;
  /** Start of its drain by the operator, ms since the epoch; from its annotation. */
  readonly drainSince?: number | undefined;
  /** Whether its deletion cost was read back, so that a scale-in deletes this pod. */
  readonly marked: boolean;
  /** Its last status; undefined when it does not answer. */
  readonly status?: ProcessStatus | undefined;
}

/** A Deployment of one revision. */
export interface GatewayDeployment {
  readonly revision: string;
  readonly replicas: number;
  /** Pods that exist, as the Deployment's controller counts them. */
  readonly existing: number;
  readonly available: number;
  /** Whether its controller has observed the newest spec. */
  readonly observed: boolean;
}

/** Observed and wanted state. */
export interface GatewayState {
  /** Wanted revision. */
  readonly target: string;
  /** Wanted number of pods. */
  readonly replicas: number;
  readonly deployments: readonly GatewayDeployment[];
  readonly pods: readonly GatewayPod[];
  /** Revision that the Service sends new connections to. */
  readonly selected?: string | undefined;
  readonly now: number;
  /** Longest time of a drain, ms; a pod that does not answer for longer is removed. */
  readonly drainDeadlineMs: number;
}

/** One action. After its execution the plan is made again from the observed state. */
export type GatewayAction =
  | { readonly kind: 'scale'; readonly revision: string; readonly replicas: number; readonly why: string }
  | { readonly kind: 'select'; readonly revision: string }
  | { readonly kind: 'drain' | 'undrain' | 'mark'; readonly pod: string; readonly why: string }
  | { readonly kind: 'remove'; readonly revision: string };

/** The next actions, or what is waited for. */
export interface GatewayPlan {
  readonly actions: readonly GatewayAction[];
  /** What is waited for; for status. */
  readonly waiting?: string | undefined;
  /** Whether all pods are of the target revision and none is to be removed. */
  readonly complete: boolean;
}

/** Time after the drain deadline until a pod that does not answer is removed, ms. */
const GIVE_UP_AFTER_MS = 30_000;

/**
 * The next step towards the wanted gateways, such that no connection is cut without a drain: the new revision is
 * created next to the old one; the Service is switched; then old pods are drained and removed one at a time. Surplus
 * pods of the target revision are removed in the same way. No pod is removed while another that stays is not ready.
 */
export function planGateways(state: GatewayState): GatewayPlan {
  const { target, replicas, deployments, pods, selected } = state;
  const own = deployments.find(({ revision }) => revision === target);
  if (!own) {
    const first = deployments.length === 0;
    return {
      actions: [
        { kind: 'scale', revision: target, replicas, why: first ? 'first revision' : 'new revision' },
        ...(first || selected === undefined ? [{ kind: 'select', revision: target } as const] : []),
      ],
      waiting: `creating gateways of revision ${target}`,
      complete: false,
    };
  }
  const actions: GatewayAction[] = [];
  if (own.replicas < replicas) {
    actions.push({ kind: 'scale', revision: target, replicas, why: 'scale-out' });
  }
  // The drain of a scale-in that is no longer wanted.
  const surplus = Math.max(0, own.replicas - replicas);
  const ofTarget = pods.filter((pod) => pod.revision === target && !pod.terminating);
  const draining = ofTarget.filter((pod) => pod.drainSince !== undefined);
  for (const pod of draining.slice(surplus)) {
    actions.push({ kind: 'undrain', pod: pod.name, why: 'the scale-in was cancelled' });
  }
  const staying = ofTarget.filter((pod) => !draining.slice(0, surplus).includes(pod));
  const targetReady = own.observed && staying.filter((pod) => pod.ready).length >= replicas;

  const selectedExists = deployments.some(({ revision }) => revision === selected);
  if (selected !== target && (targetReady || !selectedExists))
    actions.push({ kind: 'select', revision: target });
  const old = deployments.filter(({ revision }) => revision !== target);
  for (const { revision, replicas: left, existing } of old) {
    if (left === 0 && existing === 0) actions.push({ kind: 'remove', revision });
  }
  if (actions.length > 0) return { actions, waiting: undefined, complete: false };

  const leaving =
    old.find(({ replicas: left, existing }) => left > 0 || existing > 0) ?? (surplus > 0 ? own : undefined);
  if (!leaving) {
    return targetReady
      ? { actions: [], complete: true }
      : { actions: [], waiting: waitingFor(state, staying), complete: false };
  }
  if (!targetReady && leaving !== own) {
    return { actions: [], waiting: waitingFor(state, staying), complete: false };
  }
  return removeOne(state, leaving, leaving === own ? replicas : 0);
}

/** The next step of the removal of one pod of a Deployment. */
function removeOne(state: GatewayState, deployment: GatewayDeployment, keep: number): GatewayPlan {
  const { now, drainDeadlineMs } = state;
  const wait = (waiting: string): GatewayPlan => ({ actions: [], waiting, complete: false });
  const step = (action: GatewayAction, waiting: string): GatewayPlan => ({
    actions: [action],
    waiting,
    complete: false,
  });
  const { revision } = deployment;
  const pods = state.pods.filter((pod) => pod.revision === revision);
  const leftover = pods.filter(({ terminating }) => terminating);
  if (!deployment.observed || deployment.existing > deployment.replicas || leftover.length > 0) {
    return wait(`${leftover[0]?.name ?? `a gateway of revision ${revision}`} is terminating`);
  }
  const candidate = pods.find((pod) => pod.drainSince !== undefined) ?? chooseCandidate(pods);
  if (!candidate) return wait(`creating gateways of revision ${revision}`);
  const why = keep === 0 ? `revision ${revision} is being replaced` : `scale-in to ${keep} gateways`;
  if (candidate.drainSince === undefined) {
    return step({ kind: 'drain', pod: candidate.name, why }, `${candidate.name} starts draining: ${why}`);
  }
  const gateway = candidate.status?.gateway;
  const silentForMs = now - candidate.drainSince;
  const gaveUp = gateway === undefined && silentForMs > drainDeadlineMs + GIVE_UP_AFTER_MS;
  if (gateway !== undefined && !gateway.draining) {
    return step({ kind: 'drain', pod: candidate.name, why }, `${candidate.name} starts draining: ${why}`);
  }
  if (!gaveUp && gateway === undefined) {
    return wait(
      `${candidate.name} does not answer; it is removed in ${Math.ceil((drainDeadlineMs + GIVE_UP_AFTER_MS - silentForMs) / 1_000)} s`,
    );
  }
  if (gateway !== undefined && gateway.connections > 0) {
    return wait(
      `${candidate.name} is draining: ${gateway.connections} connections left, about ${Math.ceil(gateway.drainEtaSeconds)} s`,
    );
  }
  // A ReplicaSet deletes pods that are not ready first, regardless of deletion cost: no scale-in while there is one.
  const unready = pods.find((pod) => pod !== candidate && !pod.ready);
  if (unready) return wait(`${unready.name} is not ready; ${candidate.name} is removed when it is`);
  if (!candidate.marked)
    return step({ kind: 'mark', pod: candidate.name, why }, `${candidate.name} is drained`);
  return step(
    { kind: 'scale', revision, replicas: deployment.replicas - 1, why: `${candidate.name} is drained` },
    `removing ${candidate.name}`,
  );
}

/** The first in this order: not ready, fewest connections, newest. */
function chooseCandidate(pods: readonly GatewayPod[]): GatewayPod | undefined {
  const rank = (pod: GatewayPod) =>
    [pod.ready ? 1 : 0, pod.status?.gateway?.connections ?? 0, -pod.createdAt] as const;
  return [...pods].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
  })[0];
}

function waitingFor({ replicas, target }: GatewayState, staying: readonly GatewayPod[]): string {
  const ready = staying.filter((pod) => pod.ready).length;
  const unready = staying.find((pod) => !pod.ready);
  return `${ready} of ${replicas} gateways of revision ${target} ready${unready ? `; waiting for ${unready.name}` : ''}`;
}
