import type { ProcessStatus } from '@im/contract';

/** A gateway pod as the plan sees it. */
export interface GatewayPod {
  readonly name: string;
  readonly revision: string;
  readonly ready: boolean;
  /** Somebody has asked it to go, so it drains by itself and takes no part in plans. */
  readonly terminating: boolean;
  /** Created at, ms since the epoch. */
  readonly createdAt: number;
  /** Since when the operator wants it drained, ms since the epoch; from its annotation. */
  readonly drainSince?: number | undefined;
  /** Whether its deletion cost was read back, so that it is the one that goes when replicas fall. */
  readonly marked: boolean;
  /** What it last told; undefined when it could not be asked of late. */
  readonly status?: ProcessStatus | undefined;
}

/** A Deployment of one revision. */
export interface GatewayDeployment {
  readonly revision: string;
  readonly replicas: number;
  /** Pods that exist, as the Deployment's controller counts them. */
  readonly existing: number;
  readonly available: number;
  /** Whether its controller has seen the newest spec. */
  readonly observed: boolean;
}

/** What there is, and what is wanted. */
export interface GatewayWorld {
  /** Revision that pods are to have. */
  readonly target: string;
  /** Number of pods that are wanted. */
  readonly replicas: number;
  readonly deployments: readonly GatewayDeployment[];
  readonly pods: readonly GatewayPod[];
  /** Revision that the Service sends new connections to. */
  readonly selected?: string | undefined;
  readonly now: number;
  /** Longest time of a drain, ms; a pod that cannot be asked for so long is given up. */
  readonly drainDeadlineMs: number;
}

/** One thing to do now. Whoever carries it out comes back with the world as it then is. */
export type GatewayAction =
  | { readonly kind: 'scale'; readonly revision: string; readonly replicas: number; readonly why: string }
  | { readonly kind: 'select'; readonly revision: string }
  | { readonly kind: 'drain' | 'undrain' | 'mark'; readonly pod: string; readonly why: string }
  | { readonly kind: 'remove'; readonly revision: string };

/** What to do, and what is waited for. */
export interface GatewayPlan {
  readonly actions: readonly GatewayAction[];
  /** Sentence for status when something is waited for. */
  readonly waiting?: string | undefined;
  /** True when every pod is of the target revision and none is to go. */
  readonly settled: boolean;
}

/** Time beyond the deadline that a silent victim gets before it is given up, ms. */
const GIVE_UP_AFTER_MS = 30_000;

/**
 * Moves the gateways towards what is wanted by steps that lose no connection unasked:
 * the new revision is made complete beside the old one; the Service is turned over; then old pods are
 * drained and removed one at a time. Too many pods of the target go the same way. A step that would
 * take a pod away waits while any other that stays is not ready.
 */
export function planGateways(world: GatewayWorld): GatewayPlan {
  const { target, replicas, deployments, pods, selected } = world;
  const own = deployments.find(({ revision }) => revision === target);
  if (!own) {
    const first = deployments.length === 0;
    return {
      actions: [
        { kind: 'scale', revision: target, replicas, why: first ? 'first revision' : 'new revision' },
        ...(first || selected === undefined ? [{ kind: 'select', revision: target } as const] : []),
      ],
      waiting: `gateways of revision ${target} are being created`,
      settled: false,
    };
  }
  const actions: GatewayAction[] = [];
  if (own.replicas < replicas) {
    actions.push({ kind: 'scale', revision: target, replicas, why: 'more gateways are wanted' });
  }
  // Wanted again: a drain for a scale-in that is no longer asked for.
  const surplus = Math.max(0, own.replicas - replicas);
  const ofTarget = pods.filter((pod) => pod.revision === target && !pod.terminating);
  const draining = ofTarget.filter((pod) => pod.drainSince !== undefined);
  for (const pod of draining.slice(surplus)) {
    actions.push({ kind: 'undrain', pod: pod.name, why: 'it is wanted again' });
  }
  const staying = ofTarget.filter((pod) => !draining.slice(0, surplus).includes(pod));
  const complete = own.observed && staying.filter((pod) => pod.ready).length >= replicas;

  const selectedExists = deployments.some(({ revision }) => revision === selected);
  if (selected !== target && (complete || !selectedExists))
    actions.push({ kind: 'select', revision: target });
  const old = deployments.filter(({ revision }) => revision !== target);
  for (const { revision, replicas: left, existing } of old) {
    if (left === 0 && existing === 0) actions.push({ kind: 'remove', revision });
  }
  if (actions.length > 0) return { actions, waiting: undefined, settled: false };

  const leaving =
    old.find(({ replicas: left, existing }) => left > 0 || existing > 0) ?? (surplus > 0 ? own : undefined);
  if (!leaving) {
    return complete
      ? { actions: [], settled: true }
      : { actions: [], waiting: missing(world, staying), settled: false };
  }
  if (!complete && leaving !== own) {
    return { actions: [], waiting: missing(world, staying), settled: false };
  }
  return takeOneAway(world, leaving, leaving === own ? replicas : 0);
}

/** The next step of taking one pod of a Deployment away. */
function takeOneAway(world: GatewayWorld, deployment: GatewayDeployment, keep: number): GatewayPlan {
  const { now, drainDeadlineMs } = world;
  const wait = (waiting: string): GatewayPlan => ({ actions: [], waiting, settled: false });
  const step = (action: GatewayAction, waiting: string): GatewayPlan => ({
    actions: [action],
    waiting,
    settled: false,
  });
  const { revision } = deployment;
  const pods = world.pods.filter((pod) => pod.revision === revision);
  const leftover = pods.filter(({ terminating }) => terminating);
  if (!deployment.observed || deployment.existing > deployment.replicas || leftover.length > 0) {
    return wait(`${leftover[0]?.name ?? `a gateway of revision ${revision}`} is being stopped`);
  }
  const victim = pods.find((pod) => pod.drainSince !== undefined) ?? chooseVictim(pods);
  if (!victim) return wait(`the gateways of revision ${revision} are being created`);
  const why = keep === 0 ? `revision ${revision} is replaced` : `${keep} gateways are wanted`;
  if (victim.drainSince === undefined) {
    return step({ kind: 'drain', pod: victim.name, why }, `${victim.name} begins to drain: ${why}`);
  }
  const gateway = victim.status?.gateway;
  const silentFor = now - victim.drainSince;
  const givenUp = gateway === undefined && silentFor > drainDeadlineMs + GIVE_UP_AFTER_MS;
  if (gateway !== undefined && !gateway.draining) {
    return step({ kind: 'drain', pod: victim.name, why }, `${victim.name} begins to drain: ${why}`);
  }
  if (!givenUp && gateway === undefined) {
    return wait(
      `${victim.name} does not answer; it is given up ${Math.ceil((drainDeadlineMs + GIVE_UP_AFTER_MS - silentFor) / 1_000)} s from now`,
    );
  }
  if (gateway !== undefined && gateway.connections > 0) {
    return wait(
      `${victim.name} drains: ${gateway.connections} connections left, about ${Math.ceil(gateway.drainEtaSeconds)} s`,
    );
  }
  // A pod that is not ready dies before any deletion cost is looked at, so nothing may fall while one is.
  const unready = pods.find((pod) => pod !== victim && !pod.ready);
  if (unready) return wait(`${unready.name} is not ready, so ${victim.name} cannot be removed safely`);
  if (!victim.marked) return step({ kind: 'mark', pod: victim.name, why }, `${victim.name} is drained`);
  return step(
    { kind: 'scale', revision, replicas: deployment.replicas - 1, why: `${victim.name} is drained` },
    `${victim.name} is being removed`,
  );
}

/** Not ready ones first, then the one with the fewest connections, then the newest. */
function chooseVictim(pods: readonly GatewayPod[]): GatewayPod | undefined {
  const rank = (pod: GatewayPod) =>
    [pod.ready ? 1 : 0, pod.status?.gateway?.connections ?? 0, -pod.createdAt] as const;
  return [...pods].sort((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
  })[0];
}

function missing({ replicas, target }: GatewayWorld, staying: readonly GatewayPod[]): string {
  const ready = staying.filter((pod) => pod.ready).length;
  const unready = staying.find((pod) => !pod.ready);
  return `${ready} of ${replicas} gateways of revision ${target} are ready${unready ? `; waiting for ${unready.name}` : ''}`;
}
