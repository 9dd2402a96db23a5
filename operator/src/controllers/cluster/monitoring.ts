import { eachLimited } from '@im/kit';
import type { ConditionUpdate } from '@im/kube';
import type { AspectResult, World } from './aspects.ts';
import type { AttemptsOfReconcile } from './attempts.ts';
import type { ManifestApplier } from './children.ts';
import { APPLY_MS } from './objects.ts';
import type { Problem } from './problem.ts';

/** Concurrent requests. */
const PARALLEL = 4;

/**
 * Applies the objects of `spec.monitoring`. What fails is in condition MonitoringApplied alone: nothing waits for it, and
 * the cluster is as ready and available as without.
 */
export async function applyMonitoring(
  { desired }: Pick<World, 'desired'>,
  { applier, attempts }: { readonly applier: ManifestApplier; readonly attempts: AttemptsOfReconcile },
  signal: AbortSignal,
): Promise<AspectResult<undefined>> {
  const problems: Problem[] = [];
  let conflict: unknown;
  await eachLimited(desired.monitoring, PARALLEL, async (manifest) => {
    const apply = () => applier.apply(manifest, signal, APPLY_MS);
    const attempted = await attempts.run(manifest, manifest, apply, signal);
    if ('conflict' in attempted) conflict ??= attempted.conflict;
    if ('problem' in attempted) problems.push(attempted.problem);
  });
  problems.sort((a, b) => (a.object < b.object ? -1 : 1));
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
