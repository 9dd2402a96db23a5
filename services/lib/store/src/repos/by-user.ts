import type { TenantId } from '@im/contract';
import type { Document, Filter, WithId } from 'mongodb';
import type { CollectionSpec, TenantDocument } from '../collection.ts';
import { byTenant, gatheredReads, type PlacedQuery } from '../gathered-reads.ts';
import type { Store } from '../store.ts';
import { findWhole } from '../whole-find.ts';
import { readsById } from './by-id.ts';

/** A user whose documents are read. */
export interface UserQuery {
  readonly tenant: TenantId;
  readonly userID: string;
}

/** Most documents of a read for several users. With more, each user is read alone: one with many holds up no others. */
const MAX_TOGETHER = 5_000;

/**
 * Reads of all documents of a user, those of several users with one command.
 * @param field that holds the user; an index begins with it.
 */
export function readsByUser<T extends TenantDocument>(
  store: Store,
  options: {
    readonly name: string;
    readonly spec: CollectionSpec<T>;
    readonly field: keyof T & string;
    readonly projection?: Document;
  },
): (query: UserQuery) => Promise<WithId<T>[]> {
  const { name, spec, field, projection } = options;
  type Placed = PlacedQuery<T, UserQuery>;

  async function together(view: Placed['view'], userIDs: readonly string[]) {
    const filter = { t: view.tenant, [field]: { $in: userIDs } } as Filter<T>;
    const docs = await findWhole(view.col, { filter, limit: MAX_TOGETHER, projection });
    return docs.length < MAX_TOGETHER
      ? Map.groupBy(docs, (doc) => String(doc[field as keyof WithId<T>]))
      : undefined;
  }

  function alone(view: Placed['view'], userID: string): Promise<WithId<T>[]> {
    const filter = { t: view.tenant, [field]: userID } as Filter<T>;
    return view.col.find(filter, projection && { projection }).toArray();
  }

  return gatheredReads<T, UserQuery, WithId<T>[]>(store, {
    name,
    spec,
    async read(placed) {
      const results = new Map<UserQuery, WithId<T>[]>();
      await Promise.all(
        byTenant(placed).map(async ({ view, queries }) => {
          const userIDs = [...new Set(queries.map(({ userID }) => userID))];
          const found = userIDs.length > 1 ? await together(view, userIDs) : undefined;
          if (found) {
            for (const query of queries) results.set(query, found.get(query.userID) ?? []);
            return;
          }
          await Promise.all(
            [...Map.groupBy(queries, ({ userID }) => userID)].map(async ([userID, same]) => {
              const docs = await alone(view, userID);
              for (const query of same) results.set(query, docs);
            }),
          );
        }),
      );
      return placed.map(({ query }) => results.get(query) ?? []);
    },
  });
}

/** Reads of the one document of a user, whose id is tenant and user; those of several users with one command. */
export function readsOfUser<T extends TenantDocument>(
  store: Store,
  { name, spec }: { readonly name: string; readonly spec: CollectionSpec<T> },
): (query: UserQuery) => Promise<WithId<T> | undefined> {
  return readsById<T, UserQuery>(store, { name, spec, keyOf: ({ view, query }) => view.key(query.userID) });
}
