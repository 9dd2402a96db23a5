import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { QueueFullError } from '@im/kit';
import { ERR, ImError, toImError } from '@im/protocol';

/** Headers of an error: its code and texts, the texts in base64 because they may hold anything. */
const CODE = 'im-code';
const TEXTS = 'im-error-bin';

/** What a call failed with, as the caller shall see it. Overload and time limits are retryable codes. */
export function callError(error: unknown): ImError {
  if (error instanceof QueueFullError) {
    return new ImError(ERR.TooManyRequests, error.message, undefined, { cause: error });
  }
  return toImError(error);
}

/** The answer to a call that nobody finished within its deadline; retryable. */
export function timedOut(method: string): ImError {
  return new ImError(ERR.NetworkError, `${method}: no answer within the deadline`);
}

/** An error as gRPC's status for callers from outside, code and texts in the trailers. */
export function toStatus(error: ImError): Partial<ServiceError> {
  const metadata = new Metadata();
  metadata.set(CODE, String(error.code));
  metadata.set(TEXTS, Buffer.from(JSON.stringify([error.errMsg, error.detail])));
  return { code: status.UNKNOWN, details: `im ${error.code}`, metadata };
}
