import type { ObjectMeta } from '@im/kube';
import { CLUSTER_LABEL } from '../../resources/names.ts';

/**
 * Annotations by which Argo CD neither deletes an object that is not in Git nor calls the application out of sync. The
 * label app.kubernetes.io/instance, by which it finds the objects of an application, may have the same value.
 */
const GITOPS = {
  'argocd.argoproj.io/sync-options': 'Prune=false',
  'argocd.argoproj.io/compare-options': 'IgnoreExtraneous',
} as const;

/** Labels and annotations to add; a JSON merge patch. */
export interface RetainedMarks {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/**
 * What the metadata of an object without an owner reference lacks: the label of its cluster, and the annotations that
 * keep GitOps tools from deleting it. Options that others set stay. @returns undefined when nothing is missing.
 */
export function missingMarks(
  { labels = {}, annotations = {} }: Pick<ObjectMeta, 'labels' | 'annotations'>,
  cluster: string,
): RetainedMarks | undefined {
  const added = Object.entries(GITOPS).flatMap(([annotation, option]): [string, string][] => {
    const options = (annotations[annotation] ?? '').split(',').map((each) => each.trim());
    const [name] = option.split('=');
    // An option that a user chose otherwise is theirs.
    if (options.some((each) => each.split('=')[0] === name)) return [];
    return [[annotation, [...options.filter((each) => each !== ''), option].join(',')]];
  });
  const labelled = labels[CLUSTER_LABEL] === cluster;
  if (labelled && added.length === 0) return undefined;
  return {
    ...(labelled ? {} : { labels: { [CLUSTER_LABEL]: cluster } }),
    ...(added.length === 0 ? {} : { annotations: Object.fromEntries(added) }),
  };
}
