import type { StepRecord, UpgradeFact } from '../../../resources/upgrade-record.ts';
import { CANARY, GATEWAYS } from './step-names.ts';

/** How fast pods of a cluster are replaced. */
export interface UpgradePace {
  /** Time for one pod to be replaced: start, readiness, and the end of the old one. */
  readonly secondsPerPod: number;
  /** Time that the gates behind a step take in addition to the soak. */
  readonly gateSeconds: number;
}

/** An upgrade that has ended, as far as its pace is concerned. */
export interface PastUpgrade {
  readonly outcome?: string | undefined;
  readonly fact?: Partial<Pick<UpgradeFact, 'secondsPerPod' | 'gateSeconds'>> | undefined;
  /** Present when the prober ran, whose rounds the gates wait for. */
  readonly proof?: object | undefined;
}

/** Upgrades that an estimate is the mean of. */
const LATEST = 3;
/** Without an earlier upgrade: small pods whose image is on the node. */
const SECONDS_PER_POD = 8;
/** Without an earlier upgrade: until the round of the prober that follows a step is judged; else until the next look. */
const GATE_SECONDS = { probed: 6, unprobed: 1 };

/**
 * The pace to expect of the next upgrade: that of the latest ones that succeeded, and a default for a cluster without any;
 * a pure function.
 * @param past newest first.
 */
export function paceOf(past: readonly PastUpgrade[], isProbed: boolean): UpgradePace {
  const succeeded = past.filter(({ outcome }) => outcome === 'Succeeded');
  const pods = succeeded.flatMap(({ fact }) => fact?.secondsPerPod ?? []).slice(0, LATEST);
  const gates = succeeded
    .flatMap(({ fact, proof }) => ((proof !== undefined) === isProbed ? (fact?.gateSeconds ?? []) : []))
    .slice(0, LATEST);
  return {
    secondsPerPod: mean(pods) ?? SECONDS_PER_POD,
    gateSeconds: mean(gates) ?? (isProbed ? GATE_SECONDS.probed : GATE_SECONDS.unprobed),
  };
}

/** The pace of an upgrade that is complete, in whole seconds; a pure function. */
export function paceOfSteps(steps: readonly StepRecord[], soakSeconds: number): Partial<UpgradePace> {
  let [pods, podMs] = [0, 0];
  const gateMs: number[] = [];
  for (const { name, pods: count = 0, startedAt, settledAt, passedAt } of steps) {
    if (startedAt === undefined || settledAt === undefined || passedAt === undefined) continue;
    gateMs.push(Math.max(0, passedAt - settledAt - soakSeconds * 1_000));
    // The time of gateways is that of their connections.
    if (name === CANARY || name === GATEWAYS) continue;
    pods += count;
    podMs += settledAt - startedAt;
  }
  const gate = mean(gateMs);
  return {
    ...(pods > 0 && { secondsPerPod: Math.max(1, Math.round(podMs / pods / 1_000)) }),
    ...(gate !== undefined && { gateSeconds: Math.round(gate / 1_000) }),
  };
}

function mean(numbers: readonly number[]): number | undefined {
  if (numbers.length === 0) return undefined;
  return numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
}
