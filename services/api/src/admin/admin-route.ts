import type { Answer, ConsoleSession, Operation, Taken } from '@im/admin-api';
import type { ApiCall } from '../route.ts';
import type { Tails } from './tails.ts';

/** What the operations of sessions use of a request besides what it asks. */
export interface BrowserRequest {
  /** Whether a page of this origin sent it. */
  readonly ownPage: boolean;
  /** The key of a session in its cookie, whether it proves one or not. */
  readonly key: string | undefined;
  /** Whether its sender may create logins for all tenants. */
  readonly mayInviteForAll: boolean;
  /** Tenants that a session has rights in, 1,000 at most. */
  tenantsOf(session: ConsoleSession): string[];
  setCookie(cookie: string): void;
}

/** One request of an administrator. */
export interface AdminCall extends Pick<ApiCall, 'ctx' | 'tenant' | 'rpc' | 'objectURL' | 'console'> {
  /** The administrator's address. */
  readonly address: string;
  /** Who acts, for the audit log. */
  readonly actor: string;
  readonly browser: BrowserRequest;
  readonly tails: Tails;
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
