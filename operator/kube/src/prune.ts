import type { Informer } from './informer.ts';
import { childId } from './keys.ts';
import type { DeleteOptions, KubeClient } from './kube-client.ts';
import { type KubeObject, labelSelectorOf, type ResourceType, type Stored } from './objects.ts';

/** Options of {@link prune}. */
export interface PruneOptions {
  readonly client: KubeClient;
  /** Only objects with this uid among their ownerReferences are considered. */
  readonly ownerUid: string;
  readonly namespace: string;
  /** Only objects with all these labels are considered. */
  readonly labels: Readonly<Record<string, string>>;
  /** IDs of objects to keep; see `childId`. */
  readonly wanted: ReadonlySet<string>;
  /** The source of objects: a type is listed at the API server; an informer is read. */
  readonly among: readonly (ResourceType<KubeObject> | Informer<KubeObject>)[];
  readonly signal?: AbortSignal | undefined;
  readonly propagation?: DeleteOptions['propagation'];
}

/**
 * Deletes objects of the given types, owner and labels that are not wanted. Objects that are already being deleted are
 * skipped, and so are new objects with the same name.
 * @returns the IDs (see `childId`) of the deleted objects.
 * @throws the first failure, after all deletions were tried.
 */
export async function prune(options: PruneOptions): Promise<string[]> {
  const deleted: string[] = [];
  const failures: unknown[] = [];
  for (const source of options.among) {
    const type = isInformer(source) ? source.type : source;
    for (const child of await children(source, options)) {
      const id = childId(type, child);
      if (options.wanted.has(id) || child.metadata.deletionTimestamp !== undefined) continue;
      const { namespace, name, uid } = child.metadata;
      const { signal, propagation } = options;
      try {
        if (await options.client.delete(type, { namespace, name }, { uid, signal, propagation }))
          deleted.push(id);
      } catch (error) {
        signal?.throwIfAborted();
        failures.push(error);
      }
    }
  }
  if (failures.length > 0) throw failures[0];
  return deleted;
}

async function children(
  source: PruneOptions['among'][number],
  { client, namespace, labels, ownerUid, signal }: PruneOptions,
): Promise<readonly Stored<KubeObject>[]> {
  const wanted = Object.entries(labels);
  if (wanted.length === 0)
    throw new TypeError('prune needs labels: without them it could delete objects of others');
  const isOurs = ({ metadata }: Stored<KubeObject>): boolean =>
    metadata.namespace === namespace &&
    wanted.every(([label, value]) => metadata.labels?.[label] === value) &&
    (metadata.ownerReferences ?? []).some(({ uid }) => uid === ownerUid);
  if (isInformer(source)) return source.ownedBy(ownerUid).filter(isOurs);
  const labelSelector = labelSelectorOf(labels);
  return (await client.list(source, { namespace, labelSelector, signal })).items.filter(isOurs);
}

function isInformer(source: ResourceType<KubeObject> | Informer<KubeObject>): source is Informer<KubeObject> {
  return 'ownedBy' in source;
}
