import type { TenantId } from '@im/contract';
import type { CollectionSpec, TenantCollection, TenantDocument } from '../collection.ts';
import type { Store } from '../store.ts';

/** Items of one database, with each item's place in the whole list and its tenant's view of the collection. */
export interface DatabaseGroup<T extends TenantDocument, I> {
  readonly col: TenantCollection<T>['col'];
  readonly items: { readonly item: I; readonly index: number; readonly view: TenantCollection<T> }[];
}

/** Items of several tenants by the database they belong to, so that each database gets one bulk. */
export function byDatabase<T extends TenantDocument, I extends { readonly tenant: TenantId }>(
  store: Store,
  spec: CollectionSpec<T>,
  items: readonly I[],
): DatabaseGroup<T, I>[] {
  const groups = new Map<string, DatabaseGroup<T, I>>();
  for (const [index, item] of items.entries()) {
    const view = store.collection(item.tenant, spec);
    let group = groups.get(view.col.dbName);
    if (!group) {
      group = { col: view.col, items: [] };
      groups.set(view.col.dbName, group);
    }
    group.items.push({ item, index, view });
  }
  return [...groups.values()];
}
