import {
  answers,
  BLIND_MS,
  connectionsOf,
  type GatewayDeployment,
  type GatewayPod,
  type GatewayState,
  type GatewayWait,
  isHanging,
  silentSince,
  type Victim,
} from './gateway-state.ts';

/** Gateways that are to go, and what keeps others from being chosen. */
export interface Victims {
  /** In the order in which they drain; those that drain already come first. */
  readonly list: readonly Victim[];
  /** Pods that the target revision needs, replacements of victims included. */
  readonly size: number;
  readonly waiting: readonly GatewayWait[];
}

/**
 * Chooses the gateways that are to go: those of other revisions, those that a person or their node asks for, which are
 * replaced, and those that are too many. Missing figures choose no victim.
 */
export function chooseVictims(state: GatewayState, own: GatewayDeployment): Victims {
  const { target, maxConcurrent } = state;
  const alive = state.pods.filter(({ terminatingUntil }) => terminatingUntil === undefined);
  const ofTarget = alive.filter(({ revision }) => revision === target);
  const old = alive.filter(({ revision }) => revision !== target);
  const base = targetSize(state);

  const asked = ofTarget.flatMap((pod) => askedFor(pod)).sort(byUrgency);
  const moving = asked.filter(({ reason }, index) => reason === 'Spot' || index < maxConcurrent);
  // The number that included a marked pod may be lowered already, while the copy of the pods still has it.
  const unmarked = moving.filter(({ pod }) => !pod.marked).length;
  const size = Math.max(base + unmarked, Math.min(own.replicas, base + moving.length));

  const others = ofTarget.filter((pod) => !asked.some((victim) => victim.pod === pod));
  const surplus = Math.max(0, Math.min(own.replicas, ofTarget.length) - size);
  const { chosen, waiting } = tooMany(state, others, surplus);
  const why = `revision ${target} replaces it`;
  const leaving = old
    .map((pod): Victim => askedFor(pod)[0] ?? { pod, reason: 'Revision', why })
    .sort(byUrgency);
  return { list: [...moving, ...leaving, ...chosen], size, waiting };
}

/**
 * Pods of the target revision, replacements not counted: all of them, or as many as the surge allows next to the old
 * ones, at least one.
 */
export function targetSize({ target, replicas, maxSurge, deployments }: GatewayState): number {
  const old = deployments
    .filter(({ revision }) => revision !== target)
    .reduce((sum, { existing, replicas: wanted }) => sum + Math.max(existing, wanted), 0);
  return Math.min(replicas, Math.max(1, maxSurge) + Math.max(0, replicas - old));
}

/** Terminating gateways that may still hold connections. */
export function evicted({ pods, now }: GatewayState): Victim[] {
  return pods.flatMap((pod): Victim[] => {
    if (pod.terminatingUntil === undefined || isHanging(pod, now)) return [];
    return (connectionsOf(pod) ?? 0) === 0 ? [] : [{ pod, reason: 'Evicted', why: 'it is being deleted' }];
  });
}

function askedFor(pod: GatewayPod): Victim[] {
  if (pod.node?.reason === 'Spot') return [{ pod, reason: 'Spot', why: pod.node.message }];
  if (pod.manual !== undefined) return [{ pod, reason: 'Manual', why: `requested: ${pod.manual}` }];
  return pod.node ? [{ pod, reason: 'Cordoned', why: pod.node.message }] : [];
}

/** The gateways that a scale-in removes. */
function tooMany(
  state: GatewayState,
  pods: readonly GatewayPod[],
  count: number,
): { readonly chosen: readonly Victim[]; readonly waiting: readonly GatewayWait[] } {
  if (count === 0) return { chosen: [], waiting: [] };
  // A person who cancels a drain wants to keep the pod.
  const eligible = pods.filter(({ drainReason }) => drainReason !== 'Manual');
  const draining = eligible.filter(({ drainSince }) => drainSince !== undefined);
  const candidates = [...eligible].sort(byLoad);
  // Pods that cannot hold a connection go first whatever the others report.
  const idle = candidates.filter((pod) => pod.idle && !draining.includes(pod));
  const known = [...draining.sort(byLoad), ...idle].slice(0, count);
  const silent = pods.filter((pod) => pod.ready && !answers(pod, state));
  const rest = silent.length > 0 ? [] : candidates.filter((pod) => !known.includes(pod));
  const chosen = [...known, ...rest].slice(0, count);
  const why = `scale-in to ${state.replicas} gateways`;
  return {
    chosen: chosen.map((pod) => ({ pod, reason: 'ScaleIn', why })),
    waiting: chosen.length < count ? [incomplete(state, silent)] : [],
  };
}

/** The wait for the figures of ready gateways. */
export function incomplete(state: GatewayState, silent: readonly GatewayPod[]): GatewayWait {
  const since = Math.min(...silent.map((pod) => silentSince(pod, state)));
  const [first] = silent;
  return {
    reason: 'ObservationIncomplete',
    message: `${silent.length} ready gateways do not report their connections, such as ${first?.name}; no gateway is removed before they do`,
    subject: first?.name ?? '',
    since,
    until: since + BLIND_MS,
  };
}

const URGENCY = { Spot: 0, Manual: 1, Cordoned: 2, Evicted: 3, ScaleIn: 4, Revision: 5 } as const;

function byUrgency(a: Victim, b: Victim): number {
  const draining = ({ pod }: Victim) => (pod.drainSince === undefined ? 1 : 0);
  return draining(a) - draining(b) || URGENCY[a.reason] - URGENCY[b.reason] || byLoad(a.pod, b.pod);
}

/** Those without a process first, then by connections, unknown last, then the newest. */
function byLoad(a: GatewayPod, b: GatewayPod): number {
  const load = (pod: GatewayPod) => (pod.idle ? -1 : (connectionsOf(pod) ?? Number.MAX_SAFE_INTEGER));
  return load(a) - load(b) || Number(a.ready) - Number(b.ready) || b.createdAt - a.createdAt;
}
