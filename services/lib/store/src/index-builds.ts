import { Backoff, type Metrics, unlessAborted } from '@im/kit';
import type { Logger } from '@im/process';
import type { Document, IndexDescription, MongoClient } from 'mongodb';
import { BuildTurns, MAX_OVERDUE } from './build-turns.ts';
import { isUnavailable } from './errors.ts';
import { createMongoClient, type MongoAddress, type SentCommand } from './mongo.ts';

/** A collection as the server names it. */
export interface IndexPlace {
  readonly database: string;
  readonly collection: string;
}

/** A build that waits for its turn or is under way. */
export interface IndexProgress {
  readonly indexes: readonly string[];
  /** Time since it was asked for, ms. */
  readonly ms: number;
  /** Part that is done, 0 to 1, where the server says so. */
  readonly share: number | undefined;
}

/** Builds indexes of collections that may be so large that it takes hours. */
export interface IndexBuilds {
  /**
   * Builds what is missing of these indexes. One build runs at a time in a process, on a connection that nothing else
   * uses and that waits as long as it takes; others wait for their turn. A build that takes longer than 20 minutes lets
   * the next one begin, up to three such builds at a time. A server that goes away is asked again until it has them.
   * Resolves when the indexes are there.
   * @param signal releases the caller alone: the build goes on, and a later call with the same indexes joins it.
   * @throws MongoServerError for indexes that the server refuses, such as those of the same name with other keys.
   */
  build(place: IndexPlace, indexes: readonly IndexDescription[], signal?: AbortSignal): Promise<void>;
  /** What is known of the builds of a collection; the first of several. */
  progress(place: IndexPlace): IndexProgress | undefined;
  /** Releases all callers. A server may finish what it builds. */
  close(): Promise<void>;
}

export interface IndexBuildsDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly onCommand?: (command: SentCommand) => void;
  /** Time between looks at the progress, ms. @default 10 s */
  readonly progressMs?: number;
}

interface Build {
  readonly place: IndexPlace;
  readonly names: readonly string[];
  readonly startedAt: number;
  share: number | undefined;
  readonly finished: Promise<void>;
}

const PROGRESS_MS = 10_000;
/** Shorter ones are not worth a line in the log. */
const NOTABLE_MS = 2_000;
/** One for the build that has its turn, one for each that takes longer, one for looking at them. */
const CONNECTIONS = MAX_OVERDUE + 2;
/** A look at the progress ends after this time, ms. */
const LOOK_MS = 5_000;

/** Nothing is connected while nothing is built. */
export function createIndexBuilds(address: MongoAddress, deps: IndexBuildsDeps): IndexBuilds {
  const { log, metrics, onCommand, progressMs = PROGRESS_MS } = deps;
  const builds = new Map<string, Build>();
  const turns = new BuildTurns();
  const closing = new AbortController();
  let client: MongoClient | undefined;
  metrics.observe(
    'openim_store_index_builds',
    'Builds of indexes under way or waiting for their turn in this process',
    () => builds.size,
  );

  /** The server answers a build when it is done: no answer for hours is no sign of a dead connection. TCP probes find those. */
  function connection(): MongoClient {
    client ??= createMongoClient(address, CONNECTIONS, onCommand, { socketTimeoutMS: 0 });
    return client;
  }

  async function look(build: Build): Promise<void> {
    build.share = await shareDone(connection(), build.place).catch(() => undefined);
    log.info(
      {
        ...build.place,
        indexes: build.names,
        seconds: Math.round((performance.now() - build.startedAt) / 1_000),
        ...(build.share !== undefined && { percent: Math.round(build.share * 100) }),
      },
      'indexes are being built',
    );
  }

  async function untilBuilt(build: Build, indexes: readonly IndexDescription[]): Promise<void> {
    closing.signal.throwIfAborted();
    const { database, collection } = build.place;
    const backoff = new Backoff({ baseMs: 500, maxMs: 30_000 });
    let looking = false;
    const looks = setInterval(() => {
      if (looking) return;
      looking = true;
      void look(build).finally(() => {
        looking = false;
      });
    }, progressMs);
    try {
      for (;;) {
        try {
          const created = connection()
            .db(database)
            .collection(collection)
            .createIndexes([...indexes]);
          await unlessAborted(created, closing.signal);
          return;
        } catch (error) {
          closing.signal.throwIfAborted();
          if (!isUnavailable(error)) throw error;
          // It goes on with the build when it is back, or begins it again; asking again joins that.
          log.warn(
            { ...build.place, indexes: build.names, err: error },
            'the database went away during a build',
          );
          await backoff.wait(closing.signal);
        }
      }
    } finally {
      clearInterval(looks);
    }
  }

  /** Nothing stays connected when the last build has ended. */
  async function end(key: string): Promise<void> {
    builds.delete(key);
    if (builds.size > 0) return;
    const idle = client;
    client = undefined;
    await idle?.close().catch(() => {});
  }

  function begin(key: string, place: IndexPlace, indexes: readonly IndexDescription[]): Build {
    const names = indexes.map(({ name, key: keys }) => name ?? JSON.stringify(keys));
    const startedAt = performance.now();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const build: Build = { place, names, startedAt, share: undefined, finished: promise };
    // Those who asked may have gone.
    promise.catch(() => {});
    builds.set(key, build);
    void turns
      .use(() => untilBuilt(build, indexes))
      .then(
        () => {
          const ms = Math.round(performance.now() - startedAt);
          if (ms >= NOTABLE_MS) log.info({ ...place, indexes: names, ms }, 'indexes built');
          return undefined;
        },
        (error: unknown) => {
          if (!closing.signal.aborted)
            log.warn({ ...place, indexes: names, err: error }, 'indexes not built');
          return { error };
        },
      )
      .then(async (failed) => {
        await end(key);
        if (failed) reject(failed.error);
        else resolve();
      });
    return build;
  }

  return {
    async build(place, indexes, signal) {
      closing.signal.throwIfAborted();
      signal?.throwIfAborted();
      if (indexes.length === 0) return;
      const key = JSON.stringify([place.database, place.collection, indexes]);
      const { finished } = builds.get(key) ?? begin(key, place, indexes);
      await (signal ? unlessAborted(finished, signal) : finished);
    },
    progress({ database, collection }) {
      for (const { place, names, startedAt, share } of builds.values()) {
        if (place.database !== database || place.collection !== collection) continue;
        return { indexes: names, ms: performance.now() - startedAt, share };
      }
      return undefined;
    },
    async close() {
      closing.abort(new Error('the process stops'));
      await client?.close();
    },
  };
}

/** What the server says of a build; nothing where it does not, or where the user may not look at its operations. */
async function shareDone(
  client: MongoClient,
  { database, collection }: IndexPlace,
): Promise<number | undefined> {
  const found = await client
    .db('admin')
    .aggregate<{ readonly progress?: Document }>(
      [
        { $currentOp: { allUsers: true } },
        { $match: { ns: `${database}.${collection}`, msg: /^Index Build/, 'progress.total': { $gt: 0 } } },
        { $project: { progress: 1 } },
      ],
      { maxTimeMS: LOOK_MS },
    )
    .toArray();
  const shares = found.map(({ progress }) => Number(progress?.done) / Number(progress?.total));
  const least = Math.min(...shares);
  return Number.isFinite(least) ? Math.min(1, Math.max(0, least)) : undefined;
}
