import type { ConditionUpdate } from '@im/kube';
import type { Problem } from './problem.ts';

/** The aspects of a cluster; a fault in one keeps none of the others from working. */
export const ASPECTS = ['objects', 'volumes', 'rollout', 'gateways', 'monitoring'] as const;
export type AspectName = (typeof ASPECTS)[number];

/** What an aspect waits for. */
export interface Waiting {
  readonly message: string;
  /** One word. */
  readonly reason: string;
  /** Start of the wait, ms since the epoch. */
  readonly since?: number | undefined;
  /** Time from which the wait needs attention, ms since the epoch. */
  readonly until?: number | undefined;
}

/** What an aspect reports to the status of the cluster. */
export interface AspectReport {
  readonly problems: readonly Problem[];
  readonly waiting?: Waiting | undefined;
  readonly condition?: ConditionUpdate | undefined;
  /** Nothing will change before the spec, or something outside of the operator, changes. */
  readonly stalled: boolean;
}

export type AspectReports = Readonly<Partial<Record<AspectName, AspectReport>>>;
