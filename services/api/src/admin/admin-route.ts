import type { Answer, ConsoleSession, Operation, Taken } from '@im/admin-api';
import type { TenantSettings } from '@im/contract';
import type { KnownProcess } from '@im/kit';
import type { ClusterResources } from '../console/kubernetes/cluster-resource.ts';
import type { ConsoleLogins } from '../console/logins.ts';
import type { ApiCall } from '../route.ts';
import type { LogSize } from './cluster-alarms.ts';
import type { Tails } from './tails.ts';

/** What the operations of sessions use of a request besides what it asks. */
export interface BrowserRequest {
  /** Whether a page of this origin sent it. */
  readonly ownPage: boolean;
  /** The key of a session in its cookie, whether it proves one or not. */
  readonly key: string | undefined;
  /** Whether its sender may create logins for all tenants. */
  readonly mayInviteForAll: boolean;
  /** Whether its sender may see how the cluster is: they have rights in all tenants, or in the only one. */
  mayOperate(): boolean;
  /** Tenants that a session has rights in, 1,000 at most. */
  tenantsOf(session: ConsoleSession): string[];
  /** Tenants that the sender has rights in, by id. */
  tenants(): readonly TenantSettings[];
  /** Gives the browser the cookie of a session, and takes a token of the one before away. @param key empty: takes it away */
  setSession(key: string, lifeMs: number): void;
  /** The token for Kubernetes that the browser keeps for its session; undefined when there is none. */
  clusterToken(): string | undefined;
  /** Has the browser keep a token for Kubernetes as long as its session. @throws TypeError without a session. */
  keepClusterToken(token: string): void;
  forgetClusterToken(): void;
  /** @throws ImError 429 after too many failed logins from the address. */
  requireAttempt(): void;
  /** Counts as a failed login. */
  countFailedAttempt(): void;
}

/** What is known of the cluster. */
export interface ClusterView {
  /** Its processes, as of 5 s ago at most. */
  processes(): Promise<readonly KnownProcess[]>;
  /** Size of the message log; undefined when NATS does not answer. */
  logSize(): Promise<LogSize | undefined>;
}

/** One request of an administrator. */
export interface AdminCall extends Pick<ApiCall, 'ctx' | 'tenant' | 'rpc' | 'objectURL' | 'console'> {
  /** The administrator's address. */
  readonly address: string;
  /** Who acts, for the audit log. */
  readonly actor: string;
  readonly browser: BrowserRequest;
  readonly tails: Tails;
  readonly cluster: ClusterView;
  readonly resource: ClusterResources;
  readonly logins: ConsoleLogins;
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
