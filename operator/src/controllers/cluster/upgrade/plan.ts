import type { UpgradeEstimate } from '../../../resources/upgrade-record.ts';

/** What an upgrade would do to a step. */
export interface PlannedStep {
  readonly name: string;
  /** Pods that are replaced. */
  readonly restarts: number;
  /** Client connections that move. */
  readonly reconnects: number;
  readonly seconds: number;
}

/** Input of {@link planSteps}. */
export interface PlanInput {
  /** Pods by step, in the order of the rollout; without a step for what stays. */
  readonly steps: readonly { readonly name: string; readonly pods: number }[];
  /** Client connections of all gateways. */
  readonly connections: number;
  /** Connections that one gateway closes per second, at most. */
  readonly maxPerSecond: number;
  /** Gateways that drain at the same time. */
  readonly concurrentDrains: number;
  /** Gateways. */
  readonly gateways: number;
  /** Longest drain of one gateway, s. */
  readonly drainDeadlineSeconds: number;
  /** Time without a finding of the prober behind each step; 0 without a prober. */
  readonly soakSeconds: number;
}

/** Default of spec.upgrade.soakSeconds. */
export const UPGRADE_SOAK_SECONDS = 30;

/** Time for one pod to be replaced, s: image, start, readiness and the end of the old one. */
const POD_SECONDS = 20;
/** Name of the step whose connections move; that of the step before has no pods that are stopped. */
const GATEWAY = 'gateway';

/** What an upgrade replaces and moves, and about how long each of its steps takes; a pure function. */
export function planSteps(input: PlanInput): PlannedStep[] {
  return input.steps.map(({ name, pods }) => {
    if (name !== GATEWAY) {
      return { name, restarts: pods, reconnects: 0, seconds: pods * POD_SECONDS + input.soakSeconds };
    }
    const { gateways, connections, maxPerSecond, concurrentDrains, drainDeadlineSeconds } = input;
    const rounds = Math.ceil(gateways / Math.max(1, concurrentDrains));
    const each = gateways === 0 ? 0 : connections / gateways;
    const drain = Math.min(drainDeadlineSeconds, Math.ceil(each / Math.max(1, maxPerSecond)));
    const seconds = rounds * (drain + POD_SECONDS) + input.soakSeconds;
    return { name, restarts: pods, reconnects: connections, seconds };
  });
}

/** A plan as a whole. */
export function sumOf(steps: readonly PlannedStep[]): UpgradeEstimate {
  const sum = (pick: (step: PlannedStep) => number) => steps.reduce((total, step) => total + pick(step), 0);
  return {
    restarts: sum(({ restarts }) => restarts),
    reconnects: sum(({ reconnects }) => reconnects),
    seconds: sum(({ seconds }) => seconds),
  };
}
