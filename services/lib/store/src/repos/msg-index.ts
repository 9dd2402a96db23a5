import type { TenantId } from '@im/contract';
import { type Collection, type Document, MongoServerError } from 'mongodb';
import type { IndexPlace, IndexProgress } from '../index-builds.ts';
import { indexName } from '../indexes.ts';
import type { Store } from '../store.ts';
import { MSG_ROWS } from './msg-row.ts';
import type { MsgRowDocument } from './msg-row-document.ts';

/**
 * Indexes for searching messages by time and by sender. They are optional, since each costs the storing of every message
 * some microseconds of the database. What a search may ask for is in their keys, so that only rows that match are read.
 */
export const MSG_INDEXES = {
  time: { t: 1, st: 1, _id: 1, s: 1, r: 1, ct: 1 },
  sender: { t: 1, s: 1, st: 1, _id: 1, r: 1, ct: 1 },
} as const satisfies Record<string, Document>;

/** How long it is known whether a database has the indexes, ms. */
const KNOWN_MS = 30_000;
/** How long it is not looked at again after it was made so, ms. */
const SETTLED_MS = 3_600_000;
/** What no row has: it asks for the index alone. */
const NO_ROW = { s: '', st: -1 };
/** Code of a server that has no such index. */
const INDEX_NOT_FOUND = 27;
const NAMESPACE_NOT_FOUND = 26;

/** Maker of the optional indexes of messages. */
export type MsgIndexes = ReturnType<typeof msgIndexes>;

/** Makes and removes the indexes of {@link MSG_INDEXES}, and knows whether they can be used. */
export function msgIndexes(store: Store) {
  const known = new Map<string, { readonly usable: boolean; readonly until: number }>();
  /** Databases that are as wanted; others may have changed them since. */
  const settled = new Map<string, { readonly wanted: boolean; readonly until: number }>();

  async function set(
    col: Collection<MsgRowDocument>,
    wanted: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (wanted) {
      const indexes = Object.values(MSG_INDEXES).map((key) => ({ key, name: indexName(key) }));
      await store.indexBuilds.build(placeOf(col), indexes, signal);
      return;
    }
    for (const key of Object.values(MSG_INDEXES)) {
      await col.dropIndex(indexName(key)).catch((error: unknown) => {
        const code = error instanceof MongoServerError ? error.code : undefined;
        if (code !== INDEX_NOT_FOUND && code !== NAMESPACE_NOT_FOUND) throw error;
      });
    }
  }

  return {
    /**
     * Has the indexes in the tenant's database, or has them not. Building them on messages that exist takes the server
     * minutes per hundred million, next to its other work; resolves when they are there.
     * @param signal ends the wait alone: the build goes on, and the next call joins it.
     */
    async set(tenant: TenantId, wanted: boolean, signal?: AbortSignal): Promise<void> {
      const { col } = store.collection<MsgRowDocument>(tenant, MSG_ROWS);
      const before = settled.get(col.dbName);
      if (before?.wanted === wanted && before.until > Date.now()) return;
      await set(col, wanted, signal);
      settled.set(col.dbName, { wanted, until: Date.now() + SETTLED_MS });
      known.delete(col.dbName);
    },

    /** What is known of a build that {@link set} waits for; of this process. */
    progress(tenant: TenantId): IndexProgress | undefined {
      return store.indexBuilds.progress(placeOf(store.collection(tenant, MSG_ROWS).col));
    },

    /** Whether searches of the tenant can use them; known for half a minute. */
    async usable(tenant: TenantId): Promise<boolean> {
      const { col } = store.collection<MsgRowDocument>(tenant, MSG_ROWS);
      const before = known.get(col.dbName);
      if (before && before.until > Date.now()) return before.usable;
      // A collection that does not exist refuses no hint, until it has its first message.
      const usable =
        (await exist(col)) &&
        (await has(Object.values(MSG_INDEXES), (hint) =>
          col.find({ t: tenant, ...NO_ROW }, { hint, limit: 1 }).toArray(),
        ));
      known.set(col.dbName, { usable, until: Date.now() + KNOWN_MS });
      return usable;
    },
  };
}

function placeOf({ dbName, collectionName }: Pick<Collection, 'dbName' | 'collectionName'>): IndexPlace {
  return { database: dbName, collection: collectionName };
}

/** Some may still be being built. */
async function exist(col: Collection<MsgRowDocument>): Promise<boolean> {
  try {
    const names = new Set((await col.listIndexes().toArray()).map(({ name }) => name));
    return Object.values(MSG_INDEXES).every((key) => names.has(indexName(key)));
  } catch (error) {
    if (error instanceof MongoServerError && error.code === NAMESPACE_NOT_FOUND) return false;
    throw error;
  }
}

/** A server refuses the hint of an index that is absent, or not built yet. */
async function has(keys: readonly Document[], find: (hint: Document) => Promise<unknown>): Promise<boolean> {
  try {
    await Promise.all(keys.map(find));
    return true;
  } catch (error) {
    if (error instanceof MongoServerError && /hint/i.test(error.message)) return false;
    throw error;
  }
}
