import { currentCall } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import type { Collection, Document } from 'mongodb';

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
 * and the server end it then, and reads end when the caller has gone. Work outside of calls is not bounded.
 */
export function boundedCollection<T extends Document>(col: Collection<T>): Collection<T> {
  const bounded: Record<string, Operation> = Object.create(col);
  const operations = col as unknown as Record<string, Operation>;
  for (const [name, at] of Object.entries(READS)) {
    const operation = operations[name]?.bind(col) as Operation;
    bounded[name] = (...args) => operation(...withBounds(args, at, false));
  }
  for (const [name, at] of Object.entries(WRITES)) {
    const operation = operations[name]?.bind(col) as Operation;
    bounded[name] = (...args) => operation(...withBounds(args, at, true));
  }
  return bounded as unknown as Collection<T>;
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
