import type {
  OpenIMClusterGatewayAutoscaling,
  OpenIMClusterGatewayRebalance,
  ScalingRules as ScalingRulesSettings,
} from '../gen/openimcluster.ts';

/** A limit on changes within a period, as in autoscaling/v2. */
export interface ScalingPolicy {
  readonly type: 'Pods' | 'Percent';
  readonly value: number;
  readonly periodSeconds: number;
}

/** Pace of changes in one direction, as in autoscaling/v2. */
export interface ScalingRules {
  readonly stabilizationWindowSeconds: number;
  readonly policies: readonly ScalingPolicy[];
  /** `Max` takes the policy that allows the largest change, `Min` the smallest; `Disabled` allows none. */
  readonly selectPolicy: 'Max' | 'Min' | 'Disabled';
}

/** Autoscaling with its defaults. */
export interface EffectiveAutoscaling {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly targetConnectionsPerPod: number;
  /** An absent target is not considered. */
  readonly targetHandshakesPerSecondPerPod?: number | undefined;
  readonly targetEventLoopDelayMilliseconds?: number | undefined;
  readonly spare: 'OnePod' | 'OneZone' | 'None';
  readonly behavior: { readonly scaleUp: ScalingRules; readonly scaleDown: ScalingRules };
}

/** Rebalancing with its defaults. */
export interface EffectiveRebalance {
  readonly mode: 'On' | 'Off';
  readonly tolerancePercent: number;
  readonly maxPercentPerMinute: number;
}

const SCALE_UP: ScalingRules = {
  stabilizationWindowSeconds: 0,
  policies: [
    { type: 'Pods', value: 4, periodSeconds: 15 },
    { type: 'Percent', value: 100, periodSeconds: 15 },
  ],
  selectPolicy: 'Max',
};

const SCALE_DOWN: ScalingRules = {
  stabilizationWindowSeconds: 1_800,
  policies: [
    { type: 'Pods', value: 1, periodSeconds: 60 },
    { type: 'Percent', value: 10, periodSeconds: 60 },
  ],
  selectPolicy: 'Max',
};

/** Part of the connections that a pod may have which it is meant to have. */
const TARGET_SHARE = 0.7;
const MIN_REPLICAS = 2;

/** The defaults of `spec.gateway.autoscaling`. */
export function effectiveAutoscaling(
  given: OpenIMClusterGatewayAutoscaling,
  maxConnectionsPerPod: number,
): EffectiveAutoscaling {
  return {
    minReplicas: given.minReplicas ?? MIN_REPLICAS,
    maxReplicas: given.maxReplicas,
    targetConnectionsPerPod:
      given.targetConnectionsPerPod ?? Math.max(1, Math.floor(maxConnectionsPerPod * TARGET_SHARE)),
    targetHandshakesPerSecondPerPod: given.targetHandshakesPerSecondPerPod,
    targetEventLoopDelayMilliseconds: given.targetEventLoopDelayMilliseconds,
    spare: given.spare ?? 'OnePod',
    behavior: {
      scaleUp: rules(given.behavior?.scaleUp, SCALE_UP),
      scaleDown: rules(given.behavior?.scaleDown, SCALE_DOWN),
    },
  };
}

/** The defaults of `spec.gateway.rebalance`. */
export function effectiveRebalance(given: OpenIMClusterGatewayRebalance = {}): EffectiveRebalance {
  return {
    mode: given.mode ?? 'Off',
    tolerancePercent: given.tolerancePercent ?? 20,
    maxPercentPerMinute: given.maxPercentPerMinute ?? 2,
  };
}

/**
 * The number of gateways in force before the load is considered.
 * @param given the number in the spec
 * @param running the number in force so far
 */
export function gatewayReplicas(
  given: number | undefined,
  autoscaling: EffectiveAutoscaling | undefined,
  running: number | undefined,
): number {
  if (given !== undefined) return given;
  if (!autoscaling) return running ?? MIN_REPLICAS;
  const { minReplicas, maxReplicas } = autoscaling;
  return Math.min(maxReplicas, Math.max(minReplicas, running ?? minReplicas));
}

function rules(given: ScalingRulesSettings = {}, defaults: ScalingRules): ScalingRules {
  return {
    stabilizationWindowSeconds: given.stabilizationWindowSeconds ?? defaults.stabilizationWindowSeconds,
    policies: given.policies ?? defaults.policies,
    selectPolicy: given.selectPolicy ?? defaults.selectPolicy,
  };
}
