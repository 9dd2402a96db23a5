import { QueueFullError } from '@im/kit';
import { ERR, ImError, toImError } from '@im/protocol';

/** What a call failed with, as the caller shall see it. Overload and time limits are retryable codes. */
export function callError(error: unknown): ImError {
  if (error instanceof QueueFullError) {
    return new ImError(ERR.TooManyRequests, error.message, undefined, { cause: error });
  }
  return toImError(error);
}

/** The answer to a call that was not finished within its deadline; retryable. */
export function timedOut(method: string): ImError {
  return new ImError(ERR.NetworkError, `${method}: no answer within the deadline`);
}
