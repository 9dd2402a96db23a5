import type { Document, WithId } from 'mongodb';
import type { TenantCollection, TenantDocument } from '../collection.ts';

/** Most ids in one `$in`. */
const IDS_PER_QUERY = 1_000;

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
    // A batch of this size is the whole answer: no cursor is left behind.
    const whole = { limit: part.length, batchSize: part.length, ...(projection && { projection }) };
    for (const doc of await col.find({ _id: { $in: part } }, whole).toArray()) {
      found.set(doc._id, doc as unknown as WithId<T>);
    }
  }
  return found;
}
