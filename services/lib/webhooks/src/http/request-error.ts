import { messageOf } from '@im/kit';

/** Why a request has no usable answer. */
export type Failure =
  /** Its address is not one that receivers may have. */
  | 'address'
  /** No connection, or it broke. */
  | 'unreachable'
  | 'timeout'
  /** The answer has more bytes than are read. */
  | 'too large'
  /** The caller gave up. */
  | 'aborted';

/** A request without a usable answer. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly failure: Failure;

  constructor(failure: Failure, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure;
  }
}

/** What went wrong on a connection, as callers see it. */
export function asRequestError(error: Error): RequestError {
  return error instanceof RequestError
    ? error
    : new RequestError('unreachable', messageOf(error), { cause: error });
}
