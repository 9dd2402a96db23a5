import type { Deployment, Stored } from '@im/kube';
import type { OpenIMClusterSpec } from '../../gen/openimcluster.ts';
import type { EffectiveSpec } from '../../resources/effective.ts';
import { FIELD_MANAGER } from '../../resources/names.ts';

/** Roles whose Deployments a scaler of the user may scale. Gateways are scaled by the operator alone. */
const SCALABLE = ['api', 'rpc', 'transfer', 'push'] as const;
type Scalable = (typeof SCALABLE)[number];

/** The spec with the numbers of pods in force. */
export interface RunningReplicas {
  readonly effective: EffectiveSpec;
  /** Roles whose number another client has set; the operator leaves it out of what it applies. */
  readonly scaledByOthers: readonly Scalable[];
}

/**
 * Without `replicas` in the spec, a role has as many pods as its Deployment says, which a HorizontalPodAutoscaler or
 * `kubectl scale` may have changed. A pure function.
 * @param deploymentOf the Deployment of a role; undefined while there is none.
 */
export function runningReplicas(
  spec: OpenIMClusterSpec,
  effective: EffectiveSpec,
  deploymentOf: (role: Scalable) => Stored<Deployment> | undefined,
): RunningReplicas {
  const scaledByOthers: Scalable[] = [];
  let result = effective;
  for (const role of SCALABLE) {
    if (spec[role]?.replicas !== undefined) continue;
    const deployment = deploymentOf(role);
    const replicas = deployment?.spec?.replicas;
    // Without a pod the service stands still: a role is not switched off by its Deployment.
    if (deployment === undefined || replicas === undefined || replicas === 0) continue;
    result = { ...result, [role]: { ...result[role], replicas } };
    if (isScaledByOthers(deployment)) scaledByOthers.push(role);
  }
  return { effective: result, scaledByOthers };
}

function isScaledByOthers({ metadata }: Stored<Deployment>): boolean {
  return (metadata.managedFields ?? []).some(({ manager, fieldsV1 }) => {
    const spec = (fieldsV1 as { 'f:spec'?: object } | undefined)?.['f:spec'];
    return manager !== FIELD_MANAGER && spec !== undefined && 'f:replicas' in spec;
  });
}
