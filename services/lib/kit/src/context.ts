import type { TenantId } from '@im/contract';
import { randomId } from './ids.ts';
import type { Span } from './trace.ts';

/**
 * What travels with every call, in a process and between processes. A context is never changed:
 * derive one with {@link withTimeout} or {@link withCaller}.
 */
export interface CallContext {
  /** Tenant on whose behalf the call is made. */
  readonly tenant: TenantId;
  /** Trace id given by the client or made at the edge; never empty. */
  readonly operationID: string;
  /** Time after which no caller waits for the answer, in ms since the epoch. */
  readonly deadline: number;
  /** User who asks; empty for the system itself. */
  readonly opUserID: string;
  /** Platform of that user, 1 to 11; 0 for the system itself. */
  readonly opPlatformID: number;
  /** The caller may act for everyone: one of the tenant's admin users, or the system itself. */
  readonly opAdmin: boolean;
  /** Connection that the request came by; empty for HTTP and the system itself. */
  readonly connID: string;
  /** Ends the work early, when the caller went away or the process stops. Not sent to other processes. */
  readonly signal?: AbortSignal;
  /**
   * Takes a part of the answer before the rest is available. Only of methods whose contract has partial
   * answers; an implementation without them never calls it.
   */
  readonly onPartial?: (answer: object) => void;
  /** The step of a sampled trace that the call belongs to. Other processes get its `traceparent`. */
  readonly span?: Span;
}

/** Time limit of a call whose maker gave none. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** Who asks, for {@link withCaller}. */
export interface Caller {
  readonly opUserID: string;
  readonly opPlatformID: number;
  readonly opAdmin: boolean;
  readonly connID?: string;
}

export interface SystemContextOptions {
  /** Time limit in ms. @default 10,000 */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * A context of the system's own work, with admin rights and no user.
 * @param operation trace id; a random one when empty.
 */
export function systemContext(
  tenant: TenantId,
  operation: string,
  options: SystemContextOptions = {},
): CallContext {
  return {
    tenant,
    operationID: operation === '' ? randomId() : operation,
    deadline: Date.now() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS),
    opUserID: '',
    opPlatformID: 0,
    opAdmin: true,
    connID: '',
    signal: options.signal,
  };
}

/** The same call with at most `timeoutMs` left; never later than the parent's own deadline. */
export function withTimeout(ctx: CallContext, timeoutMs: number): CallContext {
  const deadline = Math.min(ctx.deadline, Date.now() + timeoutMs);
  return { ...ctx, deadline };
}

/** The same call made by someone else, for instance once a token has identified the caller. */
export function withCaller(ctx: CallContext, caller: Caller): CallContext {
  return {
    ...ctx,
    opUserID: caller.opUserID,
    opPlatformID: caller.opPlatformID,
    opAdmin: caller.opAdmin,
    connID: caller.connID ?? ctx.connID,
  };
}

/** The same call made by the system itself, with the caller's trace id and deadline. */
export function asSystem(ctx: CallContext): CallContext {
  return { ...ctx, opUserID: '', opPlatformID: 0, opAdmin: true };
}

/**
 * A context that outlives its caller's wait: same tenant, trace id and caller, a new deadline, no signal.
 * For work that must finish although the answer was already given.
 */
export function detached(ctx: CallContext, timeoutMs: number = DEFAULT_TIMEOUT_MS): CallContext {
  return { ...ctx, deadline: Date.now() + timeoutMs, signal: undefined };
}

/** Time left in ms; 0 when the deadline has passed. */
export function remainingMs(ctx: CallContext): number {
  return Math.max(0, ctx.deadline - Date.now());
}

/** The same call as a step of a trace; the same context when there is no step. */
export function withSpan(ctx: CallContext, span: Span | undefined): CallContext {
  return span ? { ...ctx, span } : ctx;
}
