import { Backoff } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import { type Db, type IndexDescription, MongoServerError } from 'mongodb';
import type { CollectionSpec, TenantDocument } from './collection.ts';
import { collectionsIn } from './collections.ts';
import type { IndexBuilds } from './index-builds.ts';
import { type FoundIndex, indexDrift } from './index-drift.ts';
import { indexDescription } from './indexes.ts';
import type { MongoConnection } from './mongo.ts';

/** From so many documents on, building an index of a collection may take longer than a request. */
const LARGE = 50_000;

export interface DatabaseIndexesDeps {
  readonly mongo: Pick<MongoConnection, 'client' | 'connect'>;
  readonly builds: IndexBuilds;
  readonly tasks: TaskRunner;
  readonly log: Logger;
  /** Name of the database of the cluster, which has more collections than those of tenants. */
  readonly shared: string;
}

/** The declared indexes of all databases. */
export interface DatabaseIndexes {
  /**
   * Has the indexes of a database made, however long that takes. Those of large collections are built one after the
   * other, and delay no other database.
   */
  prepare(database: string): void;
  /** Whether all of them exist. */
  isPrepared(database: string): boolean;
  /** The database may be dropped: nothing more is made in it before it is asked for again. */
  forget(database: string): void;
  /** What is missing, for people. */
  state(database: string): string;
}

interface Missing {
  readonly spec: Pick<CollectionSpec<TenantDocument>, 'name'>;
  readonly indexes: readonly IndexDescription[];
}

/** Nothing is connected before something is to be prepared. */
export function databaseIndexes({ mongo, builds, tasks, log, shared }: DatabaseIndexesDeps): DatabaseIndexes {
  const prepared = new Set<string>();
  /** Databases to look at, with the collections that have their indexes. */
  const pending = new Map<string, Set<string>>();
  /** What is built for long, by database. */
  const large = new Map<string, readonly Missing[]>();

  async function lookAtAll(signal: AbortSignal): Promise<void> {
    await mongo.connect(signal);
    const backoff = new Backoff({ baseMs: 100, maxMs: 2_000 });
    for (const [name, done] of pending) {
      if (signal.aborted) return;
      const before = done.size;
      try {
        const missing = await ensureIndexes(mongo.client.db(name), collectionsIn(name === shared), done);
        if (!pending.delete(name)) continue;
        if (missing.length === 0) prepared.add(name);
        else {
          large.set(name, missing);
          buildSoon();
        }
        backoff.reset();
      } catch (error) {
        if (done.size > before) backoff.reset();
        // A server that went away may not have kept all of it.
        if (!(error instanceof MongoServerError)) done.clear();
        log.warn({ database: name, err: error }, 'indexes are not there yet');
        // To the end of the queue.
        if (pending.delete(name)) pending.set(name, done);
        await backoff.wait(signal);
      }
    }
  }

  async function buildLarge(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ baseMs: 1_000, maxMs: 60_000 });
    for (const [name, missing] of large) {
      if (signal.aborted) return;
      large.delete(name);
      try {
        for (const { spec, indexes } of missing)
          await builds.build({ database: name, collection: spec.name }, indexes, signal);
        prepared.add(name);
        backoff.reset();
      } catch (error) {
        signal.throwIfAborted();
        log.warn({ database: name, err: error }, 'indexes are not there yet');
        large.set(name, missing);
        await backoff.wait(signal);
      }
    }
  }

  const lookSoon = tasks.coalesce('store-indexes', lookAtAll);
  const buildSoon = tasks.coalesce('store-index-builds', buildLarge);
  return {
    prepare(database) {
      if (prepared.has(database)) return;
      if (!pending.has(database)) pending.set(database, new Set());
      lookSoon();
    },
    isPrepared: (database) => prepared.has(database),
    forget(database) {
      prepared.delete(database);
      // What is built in a dropped database makes it again.
      pending.delete(database);
      large.delete(database);
    },
    state(database) {
      for (const { name } of collectionsIn(database === shared)) {
        const build = builds.progress({ database, collection: name });
        if (!build) continue;
        const percent = build.share === undefined ? '' : `, ${Math.round(build.share * 100)} %`;
        return `indexes of ${name} are being built, for ${Math.round(build.ms / 1_000)} s${percent}`;
      }
      return 'indexes are not there yet';
    },
  };
}

/**
 * Makes the indexes that are missing; those that exist cost one round trip a collection.
 * @param done names of collections that have theirs; it grows, so that a later attempt goes on behind a failure.
 * @returns what large collections lack, which is left to be built.
 */
async function ensureIndexes(
  db: Db,
  collections: ReturnType<typeof collectionsIn>,
  done: Set<string>,
): Promise<Missing[]> {
  const large: Missing[] = [];
  const existing = new Set(
    (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name),
  );
  for (const spec of collections) {
    const { name } = spec;
    if (done.has(name)) continue;
    const col = db.collection(name);
    const found: FoundIndex[] = existing.has(name) ? await col.listIndexes().toArray() : [];
    const missing = new Set(
      indexDrift(spec, found).flatMap(({ kind, index }) => (kind === 'extra' ? [] : [index])),
    );
    const indexes = spec.indexes.map(indexDescription).filter(({ name: index = '' }) => missing.has(index));
    if (indexes.length > 0) {
      if (existing.has(name) && (await col.estimatedDocumentCount()) >= LARGE) {
        large.push({ spec, indexes });
        continue;
      }
      await col.createIndexes(indexes);
    }
    done.add(name);
  }
  return large;
}
