import type { Metrics } from '@im/kit';
import type { Logger } from '@im/process';
import { Binary, type ClientSession, type Db, type Document, MongoClient, MongoServerError } from 'mongodb';
import { clientOptions, type MongoAddress } from './mongo.ts';

/** One write: a new document, or an upsert of one document by `_id` and, perhaps, a guard. */
export type GroupCommitWrite =
  | { readonly database: string; readonly collection: string; readonly insert: Document }
  | {
      readonly database: string;
      readonly collection: string;
      readonly filter: Document;
      readonly update: Document;
    };

/**
 * Does several writes at once: few of them with one command, many with one commit, since a server that
 * syncs each commit then does it once instead of once per document. Only a shortcut: correctness never
 * depends on it, and a caller can also do the writes one by one.
 */
export interface GroupCommitWriter {
  /**
   * Name of its session. A process that dies within {@link write} leaves the documents locked for a
   * minute, unless {@link GroupCommit.release} gets this name: store it where successors find it.
   */
  readonly sessionId: Uint8Array;
  /**
   * Does the writes in the given order, durably; calls take turns.
   * @returns false when they could not all be done so (a server that cannot, a conflict with another
   * writer, a document that exists, a guard that does not match); then the caller does them step by
   * step. Some from the beginning on, or all, may have been done nevertheless.
   * @throws what the driver throws when the server is unavailable.
   */
  write(writes: readonly GroupCommitWrite[]): Promise<boolean>;
  /**
   * As {@link write}, but all or none, however few they are.
   * @returns false when none was done.
   * @throws also when the server does not say whether they were done.
   */
  writeAllOrNone(writes: readonly GroupCommitWrite[]): Promise<boolean>;
  close(): Promise<void>;
}

/** Maker of writers for one database server. */
export interface GroupCommit {
  /** Whether the server can write all or nothing; true until it has refused to. */
  readonly allOrNone: boolean;
  open(): GroupCommitWriter;
  /** Undoes what the writers with these sessions have left half done. */
  release(sessionIds: readonly Uint8Array[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * From this many writes on, one commit costs less than one for each, though it takes a command for each
 * run of writes and one to commit: measured with the server that syncs each commit.
 */
const MANY = 8;
/** Answers of a server that cannot do it: IllegalOperation, CommandNotFound, OperationNotSupportedInTransaction. */
const UNSUPPORTED = new Set([20, 59, 263]);
/** The `bulkWrite` command, for several collections at once, came with MongoDB 8.0. */
const BULK_WIRE_VERSION = 25;
const ADMIN = 'admin';
/**
 * Separate connections: writers of a document that an open transaction has changed wait for it, each
 * on a connection. If they could use up all of them, the commit that they wait for would have none.
 */
const CONNECTIONS = 8;
/** The label of a commit whose outcome the server does not know. */
const UNKNOWN_OUTCOME = 'UnknownTransactionCommitResult';
const DURABLE = { w: 'majority', journal: true } as const;

/** Prepares for a server; nothing is connected before the first writer is opened. */
export function createGroupCommit(
  { uri, tls }: MongoAddress,
  { log, metrics }: { log: Logger; metrics: Metrics },
): GroupCommit {
  const outcomes = metrics.counter(
    'openim_store_together_total',
    'Groups of writes offered as one commit, by what became of them',
    ['outcome'],
  );
  let client: MongoClient | undefined;
  let transactions = true;
  let bulk: Promise<boolean> | undefined;
  /** Kept, since the driver works out the options of a database again each time that it is named. */
  const databases = new Map<string, Db>();
  const connection = () => {
    client ??= new MongoClient(uri, clientOptions(CONNECTIONS, tls));
    return client;
  };
  const db = (name: string): Db => {
    let known = databases.get(name);
    if (!known) {
      known = connection().db(name);
      databases.set(name, known);
    }
    return known;
  };

  async function commit(session: ClientSession, writes: readonly GroupCommitWrite[]): Promise<boolean> {
    session.startTransaction({ readConcern: { level: 'local' }, writeConcern: DURABLE });
    for (const { database, command } of commandsOf(writes)) {
      const answer = await db(database).command(command, { session });
      if (answer.writeErrors !== undefined) return false;
    }
    await session.commitTransaction();
    return true;
  }

  async function command(writes: readonly GroupCommitWrite[]): Promise<boolean> {
    bulk ??= db(ADMIN)
      .command({ hello: 1 })
      .then(hasBulk, () => false);
    if (!(await bulk)) return false;
    const answer = await db(ADMIN).command(bulkCommand(writes));
    if (answer.writeConcernError !== undefined) throw new Error('the writes are not durable yet');
    return answer.nErrors === 0;
  }

  async function write(
    session: ClientSession,
    writes: readonly GroupCommitWrite[],
    allOrNone: boolean,
  ): Promise<boolean> {
    const many = allOrNone || writes.length >= MANY;
    try {
      const done = many ? transactions && (await commit(session, writes)) : await command(writes);
      outcomes.inc({ outcome: done ? 'done' : 'refused' });
      return done;
    } catch (error) {
      // Conflicts and refusals come from the server; one that is away fails the other way as well.
      if (!(error instanceof MongoServerError)) throw error;
      if (allOrNone && error.hasErrorLabel(UNKNOWN_OUTCOME)) throw error;
      outcomes.inc({ outcome: 'conflict' });
      if (typeof error.code === 'number' && UNSUPPORTED.has(error.code)) {
        if (many) transactions = false;
        else bulk = Promise.resolve(false);
        log.info(
          { err: error, many },
          'the database cannot do several writes at once; they are done one by one',
        );
      }
      return false;
    } finally {
      if (session.inTransaction()) await session.abortTransaction().catch(() => undefined);
    }
  }

  return {
    get allOrNone() {
      return transactions;
    },
    open() {
      const session = connection().startSession();
      let turn: Promise<unknown> = Promise.resolve();
      function inTurn(writes: readonly GroupCommitWrite[], allOrNone: boolean): Promise<boolean> {
        if (writes.length === 0) return Promise.resolve(true);
        const result = turn.then(() => write(session, writes, allOrNone));
        turn = result.catch(() => undefined);
        return result;
      }
      return {
        sessionId: sessionIdOf(session),
        write(writes) {
          return inTurn(writes, false);
        },
        writeAllOrNone(writes) {
          return inTurn(writes, true);
        },
        async close() {
          await turn;
          await session.endSession();
        },
      };
    },
    async release(sessionIds) {
      if (sessionIds.length === 0 || !transactions) return;
      const ids = sessionIds.map((id) => ({ id: new Binary(id, Binary.SUBTYPE_UUID) }));
      try {
        await db(ADMIN).command({ killSessions: ids });
      } catch (error) {
        if (!(error instanceof MongoServerError)) throw error;
        log.warn({ err: error }, 'sessions of a dead process could not be ended; they expire by themselves');
      }
    },
    async close() {
      await client?.close();
    },
  };
}

function sessionIdOf(session: ClientSession): Uint8Array {
  const id: Binary | undefined = session.id?.id;
  if (!id) throw new Error('the session has no name');
  return id.buffer.subarray(0, id.position);
}

interface PlacedCommand {
  readonly database: string;
  readonly command: Document;
}

/** One command for each run of writes of a kind to one collection. */
function commandsOf(writes: readonly GroupCommitWrite[]): PlacedCommand[] {
  const commands: PlacedCommand[] = [];
  let run: { readonly place: string; readonly list: Document[] } | undefined;
  for (const write of writes) {
    const { database, collection } = write;
    const isInsert = 'insert' in write;
    const place = `${isInsert} ${database}.${collection}`;
    if (run?.place !== place) {
      run = { place, list: [] };
      const command = isInsert
        ? { insert: collection, documents: run.list, ordered: true }
        : { update: collection, updates: run.list, ordered: true };
      commands.push({ database, command });
    }
    run.list.push(isInsert ? write.insert : { q: write.filter, u: write.update, upsert: true });
  }
  return commands;
}

/** All writes as one command, in order, up to the first that fails. */
function bulkCommand(writes: readonly GroupCommitWrite[]): Document {
  const numbers = new Map<string, number>();
  const ops = writes.map((write) => {
    const namespace = `${write.database}.${write.collection}`;
    const number = numbers.get(namespace) ?? numbers.size;
    numbers.set(namespace, number);
    return 'insert' in write
      ? { insert: number, document: write.insert }
      : { update: number, filter: write.filter, updateMods: write.update, upsert: true, multi: false };
  });
  const nsInfo = [...numbers.keys()].map((ns) => ({ ns }));
  const writeConcern = { w: 'majority', j: true };
  return { bulkWrite: 1, ops, nsInfo, ordered: true, errorsOnly: true, writeConcern };
}

function hasBulk(hello: Document): boolean {
  return hello.maxWireVersion >= BULK_WIRE_VERSION;
}
