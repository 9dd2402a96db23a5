import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, Stored } from './objects.ts';

/**
 * Whether a change is more than one of status: the object is new or gone, or its spec, labels, annotations, finalizers
 * or deletion have changed. For `Controller.watches`, so that a controller does not answer its own status writes.
 */
export function beyondStatus(
  before: Stored<KubeObject> | undefined,
  after: Stored<KubeObject> | undefined,
): boolean {
  return !before || !after || !isDeepStrictEqual(relevant(before), relevant(after));
}

function relevant({ metadata }: Stored<KubeObject>): unknown {
  const { uid, generation, labels, annotations, finalizers, deletionTimestamp } = metadata;
  return { uid, generation, labels, annotations, finalizers, deletionTimestamp };
}
