import type { Deployment, StatefulSet, Stored } from '@im/kube';
import { ANNOTATION } from '../../resources/names.ts';
import type { ManifestApplier } from './children.ts';
import type { Stage } from './create.ts';
import type { RolloutState } from './observation.ts';

/**
 * Applies the workloads stage by stage. A change that replaces pods is applied when all stages before it are
 * complete; a new workload, and a change that replaces none, is applied at once.
 */
export async function rollOut(
  applier: ManifestApplier,
  stages: readonly Stage[],
  signal: AbortSignal,
): Promise<RolloutState> {
  let waiting: { stage: string; message: string } | undefined;
  for (const { name, workloads } of stages) {
    const before = waiting;
    for (const manifest of workloads) {
      const observed = applier.observed(manifest) as Stored<Deployment> | undefined;
      if (before && changesPods(manifest, observed)) continue;
      const { object } = await applier.apply(manifest, signal);
      const message = rolloutBlockedBy(object as Stored<Deployment>);
      if (message !== undefined) waiting ??= { stage: name, message };
    }
  }
  return waiting ?? { message: 'All components match the spec.' };
}

/** Why the rollout of a Deployment or StatefulSet is not complete; undefined when it is. */
export function rolloutBlockedBy(workload: Stored<Deployment> | Stored<StatefulSet>): string | undefined {
  const { metadata, spec, status } = workload;
  const wanted = spec?.replicas ?? 1;
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    return `${metadata.name}: waiting for its controller to observe the change`;
  }
  const stuck = (status?.conditions ?? []).find(
    ({ type, status: holds }) => type === 'Progressing' && holds === 'False',
  );
  if (stuck) return `${metadata.name} makes no progress: ${stuck.message ?? stuck.reason ?? ''}`;
  const updated = status?.updatedReplicas ?? 0;
  if (updated < wanted) return `${metadata.name}: ${updated} of ${wanted} pods updated`;
  // A StatefulSet reports ready pods in availableReplicas, too.
  const available = status?.availableReplicas ?? 0;
  if (available < wanted) return `${metadata.name}: ${available} of ${wanted} pods available`;
  const all = status?.replicas ?? 0;
  if (all > wanted) return `${metadata.name}: ${all - wanted} old pods are terminating`;
  return undefined;
}

/** Whether applying `manifest` would replace the pods of `observed`. */
export function changesPods(
  manifest: Deployment | StatefulSet,
  observed: Stored<Deployment> | Stored<StatefulSet> | undefined,
): boolean {
  const hash = (workload: typeof manifest | typeof observed) =>
    workload?.metadata?.annotations?.[ANNOTATION.templateHash];
  return observed !== undefined && hash(manifest) !== hash(observed);
}
