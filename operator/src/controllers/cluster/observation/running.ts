import type { Stored } from '@im/kube';
import type { RunningImages } from '../../../resources/effective.ts';
import type { OpenIMCluster } from '../../../resources/kinds.ts';
import type { Revision } from '../../../resources/revision.ts';
import { currentRevision, objectsURLOf, runningImages } from '../revisions.ts';

/** Where objects are reached, as the processes were started with it. */
export function publishedObjectsURL(
  { status }: Stored<OpenIMCluster>,
  revisions: readonly Revision[],
): string | undefined {
  const revision = currentRevision(revisions) ?? revisions[0];
  return (revision && objectsURLOf(revision.content)) ?? status?.endpoints?.objectStorage;
}

/** Images that the cluster runs, as far as it is known. */
export function runningOf(
  { status }: Stored<OpenIMCluster>,
  revisions: readonly Revision[],
): RunningImages | undefined {
  return runningImages(revisions, status?.effective as RunningImages | undefined);
}
