import { ERR, ImError } from '@im/protocol';
import {
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
  type WriteError,
} from 'mongodb';

/** MongoDB's code for a violated unique index. */
export const DUPLICATE_KEY = 11_000;
/** MongoDB's code for an operation that took longer than `maxTimeMS`. */
const MAX_TIME_EXPIRED = 50;
const DUPLICATE_RETRIES = 5;

/** Codes that a member answers while the set elects, shuts down or steps down, or when the time given is over (50). */
const AWAY_CODES = new Set([6, 50, 7, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]);
/** Driver errors for servers that could not be reached or answered too late, by name. */
const AWAY_NAMES = new Set([
  'MongoNotConnectedError',
  'MongoTopologyClosedError',
  'MongoPoolClearedError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
  'MongoOperationTimeoutError',
  'MongoClientClosedError',
  'MongoExpiredSessionError',
  'PoolClearedOnNetworkError',
]);

/** Errors of the socket that the driver passes on as they are. */
const SOCKET_CODES = new Set(['EPIPE', 'ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT', 'ERR_STREAM_DESTROYED']);

/** True for a violated unique index. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === DUPLICATE_KEY;
}

/** True when the server ended an operation because its `maxTimeMS` was over. */
export function isOverTime(error: unknown): boolean {
  return error instanceof MongoServerError && error.code === MAX_TIME_EXPIRED;
}

/**
 * The writes of an unordered bulk that failed; all others are stored.
 * @throws the error when it says nothing of single writes, or nothing of whether the others are durable.
 */
export function failedWrites(error: unknown): readonly WriteError[] {
  if (!(error instanceof MongoBulkWriteError)) throw error;
  const failures = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
  // Documents may be lost again: not acknowledged by a majority, so the outcome of all is unknown.
  if (failures.length === 0 || error.result.getWriteConcernError() !== undefined) throw error;
  return failures;
}

/** True when the server was away or slow: the same operation may succeed later, and its outcome may be unknown. */
export function isUnavailable(error: unknown): boolean {
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return true;
  if (!(error instanceof MongoError)) return isSocketError(error);
  if (AWAY_NAMES.has(error.name)) return true;
  if (error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('TransientTransactionError'))
    return true;
  return typeof error.code === 'number' && AWAY_CODES.has(error.code);
}

/**
 * True when the same read may succeed at once: the connection broke, or the member has just given up its role. Not for a
 * server that is slow, cannot be found, or has no connection left.
 */
export function isInterrupted(error: unknown): boolean {
  if (error instanceof MongoServerSelectionError || isOverTime(error)) return false;
  if (error instanceof MongoError && error.name === 'MongoWaitQueueTimeoutError') return false;
  return isUnavailable(error);
}

function isSocketError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && SOCKET_CODES.has(String(error.code));
}

/**
 * A driver's error as a client may see it: 90004 (retryable) when the server was away, 90002 for any
 * other refusal. Errors of our own pass unchanged.
 */
export function storeError(error: unknown): unknown {
  if (error instanceof DOMException && error.name === 'AbortError') {
    return new ImError(ERR.NetworkError, 'the caller has gone', undefined, { cause: error });
  }
  if (error instanceof ImError || !(error instanceof MongoError || isSocketError(error))) return error;
  const code = isUnavailable(error) ? ERR.NetworkError : ERR.DatabaseError;
  const detail = code === ERR.NetworkError ? 'the database is away' : 'the database refused';
  return new ImError(code, detail, undefined, { cause: error });
}

/** 1004 that says what was not found. */
export function notFound(what: string): ImError {
  return new ImError(ERR.RecordNotFoundError, `${what} not found`);
}

/** The same repository with every method's errors passed through {@link storeError}. */
export function guarded<R extends object>(repository: R): R {
  const out: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(repository)) {
    out[name] = typeof member === 'function' ? guard(member as (...args: unknown[]) => unknown) : member;
  }
  return out as R;
}

function guard(method: (...args: unknown[]) => unknown): (...args: unknown[]) => unknown {
  return (...args) => {
    try {
      const result = method(...args);
      if (!(result instanceof Promise)) return result;
      return result.catch((error: unknown) => {
        throw storeError(error);
      });
    } catch (error) {
      throw storeError(error);
    }
  };
}

/** Runs an upsert again while it loses races for the same new document (MongoDB answers those with 11000). */
export async function retryDuplicate<T>(upsert: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await upsert();
    } catch (error) {
      if (!isDuplicateKey(error) || attempt >= DUPLICATE_RETRIES) throw error;
    }
  }
}
