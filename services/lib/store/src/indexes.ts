import type { Db, Document, IndexDescription } from 'mongodb';
import type { CollectionSpec, IndexSpec, TenantDocument } from './collection.ts';

/** Name of an index, made of its keys. */
export function indexName(key: Document): string {
  return Object.entries(key)
    .map(([field, direction]) => `${field}_${String(direction)}`)
    .join('_');
}

/** The driver's form of an index, with the tenant in front and a name made of its keys. */
export function indexDescription(spec: IndexSpec): IndexDescription {
  // A TTL index has one field only, so it cannot begin with the tenant.
  const key = spec.expireAfterSeconds === undefined ? { t: 1 as const, ...spec.keys } : { ...spec.keys };
  return {
    key,
    name: indexName(key),
    ...(spec.unique ? { unique: true } : {}),
    ...(spec.expireAfterSeconds === undefined ? {} : { expireAfterSeconds: spec.expireAfterSeconds }),
  };
}

/**
 * Makes the indexes that are missing; those that exist cost one round trip a collection.
 * @param done names of collections that have theirs; it grows, so that a later attempt goes on behind a failure.
 */
export async function ensureIndexes(
  db: Db,
  collections: readonly CollectionSpec<TenantDocument>[],
  done: Set<string> = new Set(),
): Promise<void> {
  for (const { name, indexes } of collections) {
    if (done.has(name)) continue;
    if (indexes.length > 0) await db.collection(name).createIndexes(indexes.map(indexDescription));
    done.add(name);
  }
}
