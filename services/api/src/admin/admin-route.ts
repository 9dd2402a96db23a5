import type { Answer, Operation, Taken } from '@im/admin-api';
import type { ApiCall } from '../route.ts';

/** One request of an administrator. */
export interface AdminCall extends Pick<ApiCall, 'ctx' | 'tenant' | 'rpc' | 'objectURL'> {
  /** The administrator's address. */
  readonly address: string;
}

/** An operation and what executes it. */
export interface AdminRoute {
  readonly operation: Operation;
  /** The implementation, for the reference: `<domain>.<method>`. */
  readonly target: string;
  /** @returns an answer as the operation's schema has it; of a stream, its lines. */
  answer(call: AdminCall, taken: Taken<Operation>): Promise<unknown> | AsyncIterable<unknown>;
}

/** @param answer executes a valid request of an administrator. */
export function adminRoute<O extends Operation>(
  operation: O,
  target: string,
  answer: (call: AdminCall, taken: Taken<O>) => Promise<Answer<O>>,
): AdminRoute {
  return { operation, target, answer: (call, taken) => answer(call, taken as Taken<O>) };
}

/** The same for an operation that answers a stream. */
export function adminStream<O extends Operation>(
  operation: O,
  target: string,
  lines: (call: AdminCall, taken: Taken<O>) => AsyncIterable<Answer<O>>,
): AdminRoute {
  return { operation, target, answer: (call, taken) => lines(call, taken as Taken<O>) };
}
