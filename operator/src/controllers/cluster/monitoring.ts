import type { ConditionUpdate } from '@im/kube';
import type { AspectInput, AspectResult } from './aspects.ts';
import { type ApplyDeps, applyEach } from './objects.ts';
import type { Problem } from './problem.ts';

/**
 * Applies the objects of `spec.monitoring`. What fails is in condition MonitoringApplied alone: nothing waits for it, and
 * the cluster is as ready and available as without.
 */
export async function applyMonitoring(
  { desired }: Pick<AspectInput, 'desired'>,
  deps: ApplyDeps,
  signal: AbortSignal,
): Promise<AspectResult<undefined>> {
  const { failed, conflict } = await applyEach(desired.monitoring, deps, signal);
  const problems = failed.map(({ problem }) => problem);
  const condition = monitoringApplied(desired.monitoring.length, problems);
  return { result: undefined, problems: [], condition, conflict, stalled: false };
}

/** Condition MonitoringApplied. @param wanted number of objects. */
export function monitoringApplied(wanted: number, problems: readonly Problem[]): ConditionUpdate {
  const type = 'MonitoringApplied';
  const [first] = problems;
  if (first) {
    const message = `${problems.map((problem) => problem.message).join('. ')}. The cluster works without.`;
    return { type, status: 'False', reason: first.reason, message };
  }
  if (wanted === 0) {
    return { type, status: 'True', reason: 'SwitchedOff', message: 'spec.monitoring enables no objects.' };
  }
  return {
    type,
    status: 'True',
    reason: 'AllApplied',
    message: 'All objects of spec.monitoring are applied.',
  };
}
