import type { KubeObject, Stored } from '@im/kube';
import { ANNOTATION, MANAGED_BY, ownerOfLabels } from '../../resources/names.ts';

/** The cluster that an object is compared with. */
export interface Claimant {
  readonly name: string;
  readonly uid: string;
}

/**
 * Whose an object is:
 * - `ours`: the cluster controls it, or it has no controller and the operator's labels with the name of the cluster
 *   (generated Secrets and volume claims, which outlive the cluster), or the user gave it to the cluster by annotation;
 * - `predecessor`: a deleted cluster of the same name controls it, and it is about to be garbage-collected;
 * - `foreign`: everything else.
 */
export type Ownership = 'ours' | 'predecessor' | 'foreign';

/** Whose an existing object is, seen from a cluster; a pure function. */
export function ownershipOf({ metadata }: Stored<KubeObject>, claimant: Claimant): Ownership {
  const controller = metadata.ownerReferences?.find((owner) => owner.controller);
  if (controller) {
    if (controller.uid === claimant.uid) return 'ours';
    return controller.kind === 'OpenIMCluster' && controller.name === claimant.name
      ? 'predecessor'
      : 'foreign';
  }
  const adopter = metadata.annotations?.[ANNOTATION.adopt];
  if (adopter !== undefined && (adopter === claimant.uid || adopter === claimant.name)) return 'ours';
  return metadata.labels?.['app.kubernetes.io/managed-by'] === MANAGED_BY &&
    ownerOfLabels(metadata.labels) === claimant.name
    ? 'ours'
    : 'foreign';
}

/** An object of the wanted name exists and does not belong to the cluster; it is not changed. */
export class ForeignObjectError extends Error {
  override readonly name = 'ForeignObjectError';
  /** For a condition. */
  readonly refusal: { readonly reason: string; readonly message: string };

  constructor(object: Stored<KubeObject>, claimant: Claimant) {
    const message = foreignMessage(object, claimant);
    super(message);
    this.refusal = { reason: 'ForeignObject', message };
  }
}

/**
 * Passes for an object that the cluster may change.
 * @throws ForeignObjectError for one of others, which names the ways out.
 * @throws Error for one of a deleted cluster of the same name, which will be gone soon.
 */
export function requireOurs(object: Stored<KubeObject>, claimant: Claimant): void {
  const ownership = ownershipOf(object, claimant);
  if (ownership === 'foreign') throw new ForeignObjectError(object, claimant);
  if (ownership === 'predecessor') {
    throw new Error(
      `${object.kind} ${object.metadata.name} belongs to a deleted OpenIMCluster ${claimant.name}; it is created again when the garbage collector has removed it`,
    );
  }
}

function foreignMessage({ kind, metadata }: Stored<KubeObject>, { name }: Claimant): string {
  const { name: object, namespace, ownerReferences, labels } = metadata;
  const where = `${kind} ${object} in namespace ${namespace}`;
  const controller = ownerReferences?.find((owner) => owner.controller);
  if (controller) {
    return `${where} belongs to ${controller.kind} ${controller.name}, so it is not changed; delete it, or choose another name for the cluster`;
  }
  const manager = labels?.['app.kubernetes.io/managed-by'];
  const by = manager === undefined ? '' : ` (managed by ${manager})`;
  const resource = `${kind}`.toLowerCase();
  return `${where} exists and does not belong to the cluster${by}, so it is not changed; delete it, choose another name for the cluster, or give it to the cluster: kubectl annotate ${resource} ${object} -n ${namespace} ${ANNOTATION.adopt}=${name}`;
}
