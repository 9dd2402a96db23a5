import { eachLimited } from '@im/kit';
import type { ConditionUpdate } from '@im/kube';
import type { AspectInput, AspectResult } from './aspects.ts';
import type { AttemptsOfReconcile } from './attempts.ts';
import type { ManifestApplier } from './children.ts';
import type { Problem } from './problem.ts';

/** Concurrent requests. */
const PARALLEL = 4;
/** Deadline of one request: a webhook that does not answer must not use up the time of a reconcile, ms. */
export const APPLY_MS = 8_000;
/** Kinds without which a pod does not start, or starts with settings of another time. */
const NEEDED_BY_PODS: ReadonlySet<string | undefined> = new Set([
  'ConfigMap',
  'ControllerRevision',
  'Secret',
  'ServiceAccount',
]);

/** What objects are applied by. */
export interface ApplyDeps {
  readonly applier: ManifestApplier;
  readonly attempts: AttemptsOfReconcile;
}

/** Result of the objects that start or stop no pod. */
export interface ObjectsResult {
  /** Objects that pods need and that were not applied; running pods are not replaced before they are. */
  readonly missing: readonly string[];
}

/** Applies the objects that start or stop no pod, one by one: a refused one keeps none of the others back. */
export async function applyObjects(
  { desired }: Pick<AspectInput, 'desired'>,
  deps: ApplyDeps,
  signal: AbortSignal,
): Promise<AspectResult<ObjectsResult>> {
  const { failed, conflict } = await applyEach(desired.base, deps, signal);
  const problems = failed.map(({ problem }) => problem);
  const missing = failed
    .filter(({ manifest }) => NEEDED_BY_PODS.has(manifest.kind))
    .map(({ problem }) => problem.object);
  return { result: { missing }, problems, conflict, stalled: problems.some(isRefused) };
}

/** Applies manifests a few at a time. @returns those that failed, by object, and a conflict that another attempt solves. */
export async function applyEach<T extends AspectInput['desired']['base'][number]>(
  manifests: readonly T[],
  { applier, attempts }: ApplyDeps,
  signal: AbortSignal,
): Promise<{
  readonly failed: readonly { readonly manifest: T; readonly problem: Problem }[];
  readonly conflict: unknown;
}> {
  const failed: { readonly manifest: T; readonly problem: Problem }[] = [];
  let conflict: unknown;
  await eachLimited(manifests, PARALLEL, async (manifest) => {
    const apply = () => applier.apply(manifest, signal, APPLY_MS);
    const attempted = await attempts.run(manifest, manifest, apply, signal);
    if ('conflict' in attempted) conflict ??= attempted.conflict;
    if ('problem' in attempted) failed.push({ manifest, problem: attempted.problem });
  });
  failed.sort((a, b) => (a.problem.object < b.problem.object ? -1 : 1));
  return { failed, conflict };
}

/** Whether a request is refused until something changes. */
export function isRefused({ kind }: Problem): boolean {
  return kind === 'refused';
}

/** Most problems in one message. */
const LISTED = 3;

/** Condition ObjectsApplied, for the problems of all aspects. */
export function objectsApplied(problems: readonly Problem[]): ConditionUpdate {
  const type = 'ObjectsApplied';
  // What needs an intervention comes first.
  const sorted = [...problems.filter(isRefused), ...problems.filter((problem) => !isRefused(problem))];
  const [first] = sorted;
  if (!first) {
    return { type, status: 'True', reason: 'AllApplied', message: 'All objects of the cluster are applied.' };
  }
  const more = sorted.length > LISTED ? `. And ${sorted.length - LISTED} more` : '';
  const message = `${sorted
    .slice(0, LISTED)
    .map((problem) => problem.message)
    .join('. ')}${more}. All other objects are applied.`;
  return { type, status: 'False', reason: first.reason, message };
}
