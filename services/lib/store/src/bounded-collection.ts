import { beginStoreStep, currentCall, endWith, type Span } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import { AbstractCursor, type Collection, type Document } from 'mongodb';

/** Operations that change nothing, with the position of their options. */
const READS = { find: 1, findOne: 1, countDocuments: 1, aggregate: 1 } as const;
/** Operations that change documents, with the position of their options. */
const WRITES = {
  insertOne: 1,
  insertMany: 1,
  bulkWrite: 1,
  deleteOne: 1,
  deleteMany: 1,
  updateOne: 2,
  updateMany: 2,
  replaceOne: 2,
  findOneAndUpdate: 2,
  findOneAndDelete: 1,
} as const;

type Operation = (...args: unknown[]) => unknown;

/**
 * The collection, with every operation of a call bounded by the time that the call has left: the driver
 * and the server end it then, and reads end when the caller has gone. Work outside of calls is not bounded. Operations
 * of traced calls and jobs are steps of their trace.
 */
export function boundedCollection<T extends Document>(col: Collection<T>): Collection<T> {
  const bounded: Record<string, Operation> = Object.create(col);
  const operations = col as unknown as Record<string, Operation>;
  for (const [name, at] of Object.entries(READS)) {
    const operation = operations[name]?.bind(col) as Operation;
    const step = stepOf(name, col.collectionName);
    bounded[name] = (...args) => step(operation, withBounds(args, at, false));
  }
  for (const [name, at] of Object.entries(WRITES)) {
    const operation = operations[name]?.bind(col) as Operation;
    const step = stepOf(name, col.collectionName);
    bounded[name] = (...args) => step(operation, withBounds(args, at, true));
  }
  return bounded as unknown as Collection<T>;
}

/** Runs operations of a kind, as steps of the trace that the call is part of. */
function stepOf(name: string, collection: string): (operation: Operation, args: unknown[]) => unknown {
  const title = `${name} ${collection}`;
  const attributes = {
    'db.system.name': 'mongodb',
    'db.operation.name': name,
    'db.collection.name': collection,
  };
  return (operation, args) => {
    const span = beginStoreStep(title, attributes);
    if (!span) return operation(...args);
    const result = operation(...args);
    if (result instanceof AbstractCursor) endWithCursor(span, result);
    else endWith(span, Promise.resolve(result));
    return result;
  };
}

/** A cursor asks as it is read, and closes with its last answer or when its reader leaves. */
function endWithCursor(span: Span, cursor: AbstractCursor): void {
  const next = cursor.next.bind(cursor);
  let [reading, closed] = [false, false];
  // The driver reads lists and loops through it.
  cursor.next = async () => {
    reading = true;
    try {
      return await next();
    } catch (error) {
      span.end(error);
      throw error;
    } finally {
      reading = false;
      if (closed) span.end();
    }
  };
  cursor.once('close', () => {
    closed = true;
    // A read that fails closes it before the failure is known.
    if (!reading) span.end();
  });
}

function withBounds(args: unknown[], at: number, write: boolean): unknown[] {
  const call = currentCall();
  if (!call) return args;
  requireTimeLeft();
  if (write) call.beginWrite();
  const given = args[at] as { maxTimeMS?: number } | undefined;
  const maxTimeMS = Math.min(given?.maxTimeMS ?? Number.POSITIVE_INFINITY, Math.ceil(call.leftMs()));
  // In its place, also when arguments before it were left out.
  args[at] = { ...given, maxTimeMS, signal: call.signal };
  return args;
}

/** @throws ImError 90004 when the call that runs now has no time left to ask the database. */
export function requireTimeLeft(): void {
  const call = currentCall();
  if (call?.leftMs() === 0) throw noTimeLeft(call.cancelled);
}

function noTimeLeft(cancelled: boolean): ImError {
  return new ImError(
    ERR.NetworkError,
    cancelled ? 'the caller has gone' : 'the deadline passed before the database was asked',
  );
}
