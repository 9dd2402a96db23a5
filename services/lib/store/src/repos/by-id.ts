import type { TenantId } from '@im/contract';
import type { Document, WithId } from 'mongodb';
import type { CollectionSpec, TenantCollection, TenantDocument } from '../collection.ts';
import { gatheredReads, type PlacedQuery } from '../gathered-reads.ts';
import type { Store } from '../store.ts';
import { findByIds } from '../whole-find.ts';

/** Most ids in one `$in`. */
export const IDS_PER_QUERY = 1_000;

/**
 * The documents that exist among these ids of one database, whichever tenants they belong to, by id.
 * @param view of any tenant in that database.
 */
export async function documentsOf<T extends TenantDocument>(
  view: Pick<TenantCollection<T>, 'col'> | undefined,
  keys: readonly (readonly string[])[],
  projection?: Document,
): Promise<Map<string, WithId<T>>> {
  const found = new Map<string, WithId<T>>();
  if (!view) return found;
  // The narrow view of what all collections have; the documents keep their type.
  const col = view.col as unknown as TenantCollection<TenantDocument>['col'];
  const ids = [...new Set(keys.flat())];
  for (let i = 0; i < ids.length; i += IDS_PER_QUERY) {
    const part = ids.slice(i, i + IDS_PER_QUERY);
    for (const doc of await findByIds(col, part, { projection })) {
      found.set(doc._id, doc as unknown as WithId<T>);
    }
  }
  return found;
}

/** Reads of one document by its id, those of several callers with one command. */
export function readsById<T extends TenantDocument, Q extends { readonly tenant: TenantId }>(
  store: Store,
  options: {
    readonly name: string;
    readonly spec: CollectionSpec<T>;
    readonly keyOf: (placed: PlacedQuery<T, Q>) => string;
  },
): (query: Q) => Promise<WithId<T> | undefined> {
  const { name, spec, keyOf } = options;
  return gatheredReads<T, Q, WithId<T> | undefined>(store, {
    name,
    spec,
    async read(placed) {
      const keys = placed.map(keyOf);
      const found = await documentsOf(placed[0]?.view, [keys]);
      return keys.map((key) => found.get(key));
    },
  });
}
