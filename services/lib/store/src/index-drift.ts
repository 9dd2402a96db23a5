import type { TenantId } from '@im/contract';
import { type Collection, type IndexDescription, MongoServerError } from 'mongodb';
import type { CollectionSpec, TenantDocument } from './collection.ts';
import { CLUSTER_COLLECTIONS, COLLECTIONS } from './collections.ts';
import { guarded } from './errors.ts';
import { indexDescription, indexName } from './indexes.ts';
import { MSG_INDEXES } from './repos/msg-index.ts';
import type { Store } from './store.ts';

/** An index as MongoDB reports it. */
export interface FoundIndex {
  readonly name?: string;
  readonly key: Readonly<Record<string, unknown>>;
  readonly unique?: boolean;
  readonly expireAfterSeconds?: number;
}

/** An index that is not as declared: absent, not declared, or declared otherwise. */
export interface IndexDrift {
  readonly collection: string;
  readonly index: string;
  readonly kind: 'missing' | 'extra' | 'different';
  /** What is different; empty for the other kinds. */
  readonly detail: string;
}

const ID_INDEX = '_id_';
/** Indexes that a setting makes, or not. */
const OPTIONAL: ReadonlySet<string> = new Set(Object.values(MSG_INDEXES).map(indexName));

/** How the indexes of a collection differ from those declared. An index is recognized by its keys, whatever its name. */
export function indexDrift(
  { name: collection, indexes }: Pick<CollectionSpec<TenantDocument>, 'name' | 'indexes'>,
  found: readonly FoundIndex[],
): IndexDrift[] {
  const drift: IndexDrift[] = [];
  const left = new Map(
    found
      .filter(({ name = '' }) => name !== ID_INDEX && !OPTIONAL.has(name))
      .map((index) => [keysOf(index), index]),
  );
  for (const declared of indexes.map(indexDescription)) {
    const keys = keysOf(declared);
    const same = left.get(keys);
    left.delete(keys);
    const index = declared.name ?? keys;
    if (!same) {
      drift.push({ collection, index, kind: 'missing', detail: '' });
      continue;
    }
    const details = differences(declared, same);
    if (details.length > 0) drift.push({ collection, index, kind: 'different', detail: details.join(', ') });
  }
  for (const [keys, { name }] of left)
    drift.push({ collection, index: name ?? keys, kind: 'extra', detail: '' });
  return drift;
}

/** Fields and directions in order: `{a: 1, b: 1}` and `{b: 1, a: 1}` are two indexes. */
function keysOf({ key }: Pick<FoundIndex, 'key'> | Pick<IndexDescription, 'key'>): string {
  const entries = key instanceof Map ? [...key] : Object.entries(key);
  return entries.map(([field, direction]) => `${field}_${String(direction)}`).join('_');
}

function differences(declared: IndexDescription, found: FoundIndex): string[] {
  const details: string[] = [];
  const [unique, isUnique] = [declared.unique ?? false, found.unique ?? false];
  if (unique !== isUnique) details.push(`unique is ${isUnique}, declared ${unique}`);
  const [expires, doesExpire] = [declared.expireAfterSeconds, found.expireAfterSeconds];
  if (expires !== doesExpire)
    details.push(`expireAfterSeconds is ${doesExpire ?? 'absent'}, declared ${expires ?? 'absent'}`);
  return details;
}

/** MongoDB's code for a collection that does not exist. */
const NO_COLLECTION = 26;

/** Compares indexes; changes none. */
export interface IndexReports {
  /** How the indexes of the database that holds a tenant's documents differ from those declared. */
  drift(tenant: TenantId, signal: AbortSignal): Promise<IndexDrift[]>;
}

/** The index reports of a store. */
export function indexReports(store: Store): IndexReports {
  async function indexesOf(col: Pick<Collection, 'listIndexes'>): Promise<FoundIndex[]> {
    try {
      return await col.listIndexes().toArray();
    } catch (error) {
      // It is made by its first document, or its first index.
      if (error instanceof MongoServerError && error.code === NO_COLLECTION) return [];
      throw error;
    }
  }

  return guarded<IndexReports>({
    async drift(tenant, signal) {
      const drift: IndexDrift[] = [];
      for (const spec of COLLECTIONS) {
        signal.throwIfAborted();
        drift.push(...indexDrift(spec, await indexesOf(store.collection(tenant, spec).col)));
      }
      // Those of the cluster are reported once, for the tenants that share its database.
      for (const spec of store.placements.get(tenant) === 'Dedicated' ? [] : CLUSTER_COLLECTIONS) {
        signal.throwIfAborted();
        drift.push(...indexDrift(spec, await indexesOf(store.shared(spec.name))));
      }
      return drift;
    },
  });
}
