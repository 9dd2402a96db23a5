import { timestamp } from '@im/kube';
import type { EffectiveAutoscaling } from '../../../resources/autoscaling.ts';
import type { GatewayLoad } from './gateway-load.ts';
import {
  downLimit,
  type ScalingHistory,
  stableDown,
  stableUp,
  upLimit,
  withChange,
  withRecommendation,
} from './scaling-policy.ts';

/** Input of {@link gatewayTarget}. */
export interface TargetInput {
  readonly autoscaling: EffectiveAutoscaling;
  /** Number of gateways in force. */
  readonly current: number;
  readonly gateways: readonly GatewayLoad[];
  /** Whether all ready gateways have answered lately, and which have not. */
  readonly complete: boolean;
  readonly silent: readonly string[];
  /** Whether the operator has polled the gateways at all. */
  readonly observed: boolean;
  /** Whether gateways of another revision are being replaced. */
  readonly rollingOut: boolean;
  /** Whether connections are being moved, or were until seconds ago: they come back as handshakes. */
  readonly moving: boolean;
  readonly history: ScalingHistory;
  readonly now: number;
}

/** Why a number of gateways is in force. */
export type TargetReason =
  | 'Connections'
  | 'Handshakes'
  | 'EventLoopDelay'
  | 'MinReplicas'
  | 'MaxReplicas'
  | 'ScaleUpStabilized'
  | 'ScaleUpLimited'
  | 'ScaleDownStabilized'
  | 'ScaleDownLimited'
  | 'ScaleDownFrozen'
  | 'NotObserved';

/** The number of gateways that should run. */
export interface GatewayTarget {
  readonly replicas: number;
  readonly reason: TargetReason;
  /** Contains no figure that moves with every look. */
  readonly message: string;
  /** Why nothing is taken away; undefined when scale-in is possible. */
  readonly frozen?: string | undefined;
  /** When a window ends, ms since the epoch. */
  readonly until?: number | undefined;
  readonly history: ScalingHistory;
}

/** What the load demands, without regard to pace. */
type Need = Pick<GatewayTarget, 'replicas' | 'reason' | 'message' | 'until'>;

/** Load by one measure, in pods. */
interface Cause {
  readonly reason: TargetReason;
  readonly what: string;
  readonly pods: number;
}

/** Part by which the event-loop delay may differ from its target without a change. */
const TOLERANCE = 0.1;

/**
 * The number of gateways by load. What is known is enough to add some; some are removed only when all ready gateways
 * have answered, no roll-out is in progress, and fewer were enough over the whole window.
 */
export function gatewayTarget(input: TargetInput): GatewayTarget {
  const { autoscaling, current, now, observed } = input;
  const { minReplicas, maxReplicas, behavior } = autoscaling;
  const bounded = Math.min(maxReplicas, Math.max(minReplicas, current));
  if (!observed) {
    const message = 'The gateways have not been observed yet.';
    return settle(input, input.history, { replicas: bounded, reason: 'NotObserved', message }, message);
  }
  const frozen = frozenBecause(input);
  const need = needOf(input);
  // Without complete data the load may be higher than known.
  const recommended = input.complete ? need.replicas : Math.max(need.replicas, bounded);
  const windows = [behavior.scaleUp, behavior.scaleDown].map((rules) => rules.stabilizationWindowSeconds);
  const history = withRecommendation(input.history, recommended, now, Math.max(...windows) * 1_000);
  const paced = pacedTarget(autoscaling, bounded, need, history, frozen);
  return settle(input, history, paced, frozen);
}

function settle(
  { current, now, autoscaling }: TargetInput,
  history: ScalingHistory,
  { replicas, reason, message, until }: Need,
  frozen: string | undefined,
): GatewayTarget {
  const { scaleUp, scaleDown } = autoscaling.behavior;
  const periods = [...scaleUp.policies, ...scaleDown.policies].map((policy) => policy.periodSeconds);
  const changed =
    replicas === current
      ? history
      : withChange(history, replicas - current, now, Math.max(...periods) * 1_000);
  return { replicas, reason, message, frozen, until, history: changed };
}

/** The number on the way from `current` to what is needed. */
function pacedTarget(
  { behavior }: EffectiveAutoscaling,
  current: number,
  need: Need,
  history: ScalingHistory,
  frozen: string | undefined,
): Need {
  const wanted = gatewaysText(need.replicas);
  if (need.replicas > current) {
    const stable = stableUp(history, behavior.scaleUp);
    if (stable <= current) {
      const message = `${wanted} needed; added when that has lasted ${behavior.scaleUp.stabilizationWindowSeconds} s`;
      return { replicas: current, reason: 'ScaleUpStabilized', message };
    }
    const limit = upLimit(history, behavior.scaleUp, current);
    if (limit >= stable) return { ...need, replicas: stable };
    return {
      replicas: limit,
      reason: 'ScaleUpLimited',
      message: `${wanted} needed; limited by scaleUp.policies`,
    };
  }
  if (need.replicas === current) return need;
  if (frozen !== undefined) {
    return { replicas: current, reason: 'ScaleDownFrozen', message: `no gateway is removed: ${frozen}` };
  }
  const stable = stableDown(history, behavior.scaleDown, current);
  if (stable.replicas >= current) {
    const until = timestamp(new Date(stable.until));
    const message = `${wanted} would be enough; the others are removed if that holds until ${until}`;
    return { replicas: current, reason: 'ScaleDownStabilized', message, until: stable.until };
  }
  const limit = downLimit(history, behavior.scaleDown, current);
  if (limit <= stable.replicas) return { ...need, replicas: stable.replicas };
  const message = `${wanted} would be enough; limited by scaleDown.policies`;
  return { replicas: limit, reason: 'ScaleDownLimited', message };
}

function frozenBecause({ complete, silent, gateways, rollingOut }: TargetInput): string | undefined {
  if (!complete) {
    const names =
      silent.length > 2
        ? `${silent.slice(0, 2).join(', ')} and ${silent.length - 2} more`
        : silent.join(', ');
    return `${silent.length} of ${gateways.length} gateways have not answered for 10 s (${names})`;
  }
  return rollingOut ? 'gateways of another revision are being replaced' : undefined;
}

function needOf({ autoscaling, gateways, moving }: TargetInput): Need {
  const { minReplicas, maxReplicas, spare } = autoscaling;
  const receiving = gateways.filter(({ receives, selected }) => receives && selected);
  const { targetConnectionsPerPod, targetHandshakesPerSecondPerPod, targetEventLoopDelayMilliseconds } =
    autoscaling;
  // Those of gateways that drain are about to arrive at the others.
  const connections = gateways.reduce((sum, gateway) => sum + gateway.connections, 0);
  const causes: Cause[] = [
    { reason: 'Connections', what: 'connections', pods: connections / targetConnectionsPerPod },
  ];
  if (targetHandshakesPerSecondPerPod !== undefined && !moving) {
    const handshakes = receiving.reduce((sum, gateway) => sum + gateway.handshakesPerSecond, 0);
    causes.push({
      reason: 'Handshakes',
      what: 'handshakes',
      pods: handshakes / targetHandshakesPerSecondPerPod,
    });
  }
  if (targetEventLoopDelayMilliseconds !== undefined && receiving.length > 0) {
    const delay = receiving.reduce((sum, gateway) => sum + gateway.eventLoopDelayMs, 0) / receiving.length;
    const ratio = delay / targetEventLoopDelayMilliseconds;
    const pods = receiving.length * (Math.abs(ratio - 1) <= TOLERANCE ? 1 : ratio);
    causes.push({ reason: 'EventLoopDelay', what: 'event-loop delays', pods });
  }
  const cause = causes.reduce((most, each) => (each.pods > most.pods ? each : most));
  // Rounding errors add no pod.
  const pods = Math.max(1, Math.ceil(cause.pods - 1e-9));
  const zones = new Set(receiving.flatMap(({ zone }) => zone ?? [])).size;
  const withSpare = spareFor(pods, spare, zones);
  const replicas = Math.min(maxReplicas, Math.max(minReplicas, withSpare));
  const spares = withSpare - pods;
  const spareText = spares === 0 ? '' : `, and ${spares} spare`;
  const message = `${cause.what} need ${gatewaysText(pods)}${spareText}`;
  if (withSpare > maxReplicas) {
    return { replicas, reason: 'MaxReplicas', message: `${message}; maxReplicas is ${maxReplicas}` };
  }
  if (withSpare < minReplicas) {
    return { replicas, reason: 'MinReplicas', message: `${message}; minReplicas is ${minReplicas}` };
  }
  return { replicas, reason: cause.reason, message };
}

/** The number of which `pods` are left after the loss of a pod or zone. */
export function spareFor(pods: number, spare: EffectiveAutoscaling['spare'], zones: number): number {
  if (spare === 'None') return pods;
  if (spare === 'OnePod' || zones < 2) return pods + 1;
  let replicas = pods + 1;
  while (replicas - Math.ceil(replicas / zones) < pods) replicas += 1;
  return replicas;
}

function gatewaysText(count: number): string {
  return count === 1 ? '1 gateway' : `${count} gateways`;
}
