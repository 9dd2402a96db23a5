import type { Informer } from './informer.ts';
import { childId } from './keys.ts';
import type { DeleteOptions, KubeClient } from './kube-client.ts';
import type { KubeObject, ResourceType, Stored } from './objects.ts';

/** Options of {@link prune}. */
export interface PruneOptions {
  readonly client: KubeClient;
  /** Only what has this uid among its ownerReferences is looked at. */
  readonly ownerUid: string;
  readonly namespace: string;
  /** Only what has all these labels is looked at. */
  readonly labels: Readonly<Record<string, string>>;
  /** What stays; see `childId`. */
  readonly wanted: ReadonlySet<string>;
  /** Where to look: a type is listed at the API server, an informer's store is read. */
  readonly among: readonly (ResourceType<KubeObject> | Informer<KubeObject>)[];
  readonly signal?: AbortSignal | undefined;
  readonly propagation?: DeleteOptions['propagation'];
}

/**
 * Deletes children that are not wanted any more: those of the given types, owner and labels.
 * What is being deleted already is left alone, and so is a namesake that was made meanwhile.
 * @returns the ids (see `childId`) of what it deleted.
 * @throws the first failure, after having tried all.
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
  if (wanted.length === 0) throw new TypeError('prune needs labels: it must not touch what others made');
  const isOurs = ({ metadata }: Stored<KubeObject>): boolean =>
    metadata.namespace === namespace &&
    wanted.every(([label, value]) => metadata.labels?.[label] === value) &&
    (metadata.ownerReferences ?? []).some(({ uid }) => uid === ownerUid);
  if (isInformer(source)) return source.ownedBy(ownerUid).filter(isOurs);
  const labelSelector = wanted.map(([label, value]) => `${label}=${value}`).join(',');
  return (await client.list(source, { namespace, labelSelector, signal })).items.filter(isOurs);
}

function isInformer(source: ResourceType<KubeObject> | Informer<KubeObject>): source is Informer<KubeObject> {
  return 'ownedBy' in source;
}
