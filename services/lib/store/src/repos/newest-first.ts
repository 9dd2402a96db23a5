import type { Document, Filter, WithId } from 'mongodb';
import type { TenantCollection, TenantDocument } from '../collection.ts';

/** A document that lists have in the order of `o`, which grows with time. */
interface OrderedDocument extends TenantDocument {
  o: string;
}

/**
 * A page of what a tenant has, newest first, which needs an index on `o`.
 * @param before cursor: the `next` of the page before
 * @param projection the fields to read; `o` must be among them. @default all
 * @returns `next` where more follow
 */
export async function newestFirst<T extends OrderedDocument>(
  { col, tenant }: Pick<TenantCollection<T>, 'col' | 'tenant'>,
  limit: number,
  before?: string,
  projection?: Document,
): Promise<{ readonly docs: WithId<T>[]; readonly next?: string }> {
  const filter = { t: tenant, ...(before !== undefined && { o: { $lt: before } }) } as Filter<T>;
  const options = { sort: { o: -1 }, limit: limit + 1, ...(projection && { projection }) } as const;
  const found = await col.find(filter, options).toArray();
  const docs = found.slice(0, limit);
  const last = docs.at(-1);
  return { docs, ...(found.length > limit && last && { next: last.o }) };
}
