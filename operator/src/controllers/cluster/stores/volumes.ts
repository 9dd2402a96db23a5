import { type ConditionUpdate, type KubeClient, PERSISTENT_VOLUME_CLAIM, POD, STATEFUL_SET } from '@im/kube';
import type { AspectInput, AspectResult } from '../aspects.ts';
import type { Attempted, AttemptsOfReconcile } from '../attempts.ts';
import { isRefused } from '../objects.ts';
import type { Problem } from '../problem.ts';
import { planVolumes, sectionOf, type Volume, type VolumeAction } from './volume-plan.ts';

interface VolumeDeps {
  readonly client: KubeClient;
  readonly attempts: AttemptsOfReconcile;
}

/** Makes the volumes of managed stores as the spec describes them, as far as the data in them allows. */
export async function reconcileVolumes(
  { cluster, observed, effective }: Pick<AspectInput, 'cluster' | 'observed' | 'effective'>,
  deps: VolumeDeps,
  signal: AbortSignal,
): Promise<AspectResult<readonly Volume[]>> {
  const plan = planVolumes({
    spec: cluster.spec,
    effective,
    claims: observed.volumeClaims(),
    statefulSets: observed.statefulSets(),
  });
  let { volumes } = plan;
  const problems: Problem[] = [];
  let conflict: unknown;
  for (const action of plan.actions) {
    const attempted = await execute(deps, observed.owner.namespace, action, signal);
    if ('conflict' in attempted) {
      conflict = attempted.conflict;
      // The claims of a StatefulSet that was not deleted would come back as they were.
      break;
    }
    if (!('problem' in attempted)) continue;
    const { problem } = attempted;
    if (action.kind !== 'request') problems.push(problem);
    else
      volumes = volumes.map((volume) => (volume.claim === action.claim ? refused(volume, problem) : volume));
  }
  const stalled = volumes.some(({ state }) => state === 'Refused') || problems.some(isRefused);
  return { result: volumes, problems, conflict, condition: storageResized(volumes), stalled };
}

async function execute(
  { client, attempts }: VolumeDeps,
  namespace: string,
  action: VolumeAction,
  signal: AbortSignal,
): Promise<Attempted<unknown>> {
  switch (action.kind) {
    case 'request': {
      const body = { spec: { resources: { requests: { storage: action.size } } } };
      const claim = { kind: PERSISTENT_VOLUME_CLAIM.kind, metadata: { name: action.claim } };
      const key = { namespace, name: action.claim };
      const patch = () => client.patch(PERSISTENT_VOLUME_CLAIM, key, body, { signal });
      return attempts.run(claim, body, patch, signal);
    }
    case 'replace': {
      const { name, uid } = action.statefulSet.metadata;
      const remove = () =>
        client.delete(STATEFUL_SET, { namespace, name }, { uid, propagation: 'Orphan', signal });
      return attempts.run(action.statefulSet, { uid }, remove, signal);
    }
    case 'release': {
      const { name, uid, resourceVersion } = action.claim.metadata;
      const remove = async () => {
        // The version: since it was read, a volume may have been bound to the claim.
        await client.delete(PERSISTENT_VOLUME_CLAIM, { namespace, name }, { uid, resourceVersion, signal });
        await client.delete(POD, { namespace, name: name.replace(/^data-/, '') }, { signal });
      };
      return attempts.run(action.claim, { uid }, remove, signal);
    }
    default:
      throw new TypeError(`unknown action ${action satisfies never}`);
  }
}

/** A volume whose growth the API server did not take. */
function refused(volume: Volume, problem: Problem): Volume {
  const { claim, capacity, store, least } = volume;
  if (!isRefused(problem))
    return { ...volume, message: `${claim}: ${problem.cause}; the request is retried` };
  const remedy =
    problem.reason === 'QuotaExceeded'
      ? 'raise the ResourceQuota'
      : 'use a StorageClass with allowVolumeExpansion: true';
  const message = `${claim}: the volume stays at ${capacity}: ${problem.cause}; ${remedy}, or set ${sectionOf(store)}.storage.size back to ${least}`;
  return { ...volume, state: 'Refused', message };
}

/** Condition StorageResized. */
export function storageResized(volumes: readonly Volume[]): ConditionUpdate {
  const type = 'StorageResized';
  for (const reason of ['Refused', 'FileSystemResizePending', 'Resizing'] as const) {
    const concerned = volumes.filter(({ state }) => state === reason);
    if (concerned.length === 0) continue;
    return { type, status: 'False', reason, message: concerned.map(({ message }) => message).join('. ') };
  }
  return {
    type,
    status: 'True',
    reason: 'UpToDate',
    message: 'All volumes are as large as the spec requests.',
  };
}
