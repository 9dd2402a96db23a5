import type { UpgradeEstimate } from '../../../resources/upgrade-record.ts';
import type { UpgradePace } from './pace.ts';
import { CANARY, GATEWAYS } from './step-names.ts';

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
  readonly pace: UpgradePace;
}

/** Default of spec.upgrade.soakSeconds. */
export const UPGRADE_SOAK_SECONDS = 30;

/** What an upgrade replaces and moves, and about how long each of its steps takes; a pure function. */
export function planSteps(input: PlanInput): PlannedStep[] {
  const { secondsPerPod, gateSeconds } = input.pace;
  const behind = gateSeconds + input.soakSeconds;
  return input.steps.map(({ name, pods }) => {
    if (name !== GATEWAYS) {
      // New gateways start at the same time, and replace none yet.
      const inTurn = name === CANARY ? 1 : pods;
      return { name, restarts: pods, reconnects: 0, seconds: Math.round(inTurn * secondsPerPod + behind) };
    }
    const { gateways, connections, maxPerSecond, concurrentDrains, drainDeadlineSeconds } = input;
    const rounds = Math.ceil(gateways / Math.max(1, concurrentDrains));
    const each = gateways === 0 ? 0 : connections / gateways;
    const drain = Math.min(drainDeadlineSeconds, Math.ceil(each / Math.max(1, maxPerSecond)));
    const seconds = Math.round(rounds * (drain + secondsPerPod) + behind);
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
