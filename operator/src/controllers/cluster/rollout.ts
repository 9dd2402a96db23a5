import type { Deployment, StatefulSet, Stored } from '@im/kube';
import { ANNOTATION } from '../../resources/names.ts';

/** Why a Deployment or StatefulSet is not yet as its spec says; undefined when it is. */
export function unsettled(workload: Stored<Deployment> | Stored<StatefulSet>): string | undefined {
  const { metadata, spec, status } = workload;
  const wanted = spec?.replicas ?? 1;
  if ((status?.observedGeneration ?? 0) < (metadata.generation ?? 0))
    return `${metadata.name} is being looked at`;
  const stuck = (status?.conditions ?? []).find(
    ({ type, status: holds }) => type === 'Progressing' && holds === 'False',
  );
  if (stuck) return `${metadata.name} is stuck: ${stuck.message ?? stuck.reason ?? ''}`;
  const updated = status?.updatedReplicas ?? 0;
  if (updated < wanted) return `${metadata.name}: ${updated} of ${wanted} pods are new`;
  // A StatefulSet tells ready pods in availableReplicas too.
  const available = status?.availableReplicas ?? 0;
  if (available < wanted) return `${metadata.name}: ${available} of ${wanted} pods are available`;
  const all = status?.replicas ?? 0;
  if (all > wanted) return `${metadata.name}: ${all - wanted} old pods are still there`;
  return undefined;
}

/** Whether applying `manifest` would start other pods than `observed` has. */
export function changesPods(
  manifest: Deployment | StatefulSet,
  observed: Stored<Deployment> | Stored<StatefulSet> | undefined,
): boolean {
  const hash = (of: typeof manifest | typeof observed) =>
    of?.metadata?.annotations?.[ANNOTATION.templateHash];
  return observed !== undefined && hash(manifest) !== hash(observed);
}
