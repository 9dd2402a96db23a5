import type { V1StatusDetails } from '@kubernetes/client-node';
import type { Wire } from './wire.ts';

/** Fields and causes of a refusal, as reported by the API server. */
export type ErrorDetails = Wire<V1StatusDetails>;

/** A request that the API server answered with a failure. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  /** HTTP status. */
  readonly status: number;
  /** Machine-readable, such as `Conflict`, `Invalid`, `Expired`; empty when the answer was no Status. */
  readonly reason: string;
  readonly details: ErrorDetails | undefined;
  /** What the server asked to wait before the next attempt, in ms. */
  readonly retryAfterMs: number | undefined;

  constructor(answer: {
    status: number;
    reason: string;
    message: string;
    details?: ErrorDetails | undefined;
    retryAfterMs?: number | undefined;
  }) {
    super(answer.message);
    this.status = answer.status;
    this.reason = answer.reason;
    this.details = answer.details;
    this.retryAfterMs = answer.retryAfterMs;
  }
}

/** A request without a response: not connected, interrupted, or timed out. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError';
  /** True when the request surely never reached the server. */
  readonly unsent: boolean;
  /** True for a watch that was cut because nothing had come for too long. */
  readonly silent: boolean;

  constructor(message: string, options: { unsent?: boolean; silent?: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.unsent = options.unsent ?? false;
    this.silent = options.silent ?? false;
  }
}

/** Thrown by a reconcile that cannot succeed before its object changes: logged once, not retried. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

/** A write of one that does not lead (any more); see `guardWrites`. */
export class NotLeadingError extends Error {
  override readonly name = 'NotLeadingError';
}

/** Work of a leader that went on after its leadership had to end. The process must exit. */
export class LeadershipError extends Error {
  override readonly name = 'LeadershipError';
}

/** True for an {@link ApiError} with one of these statuses. */
export function isApiError(error: unknown, ...statuses: readonly number[]): error is ApiError {
  return error instanceof ApiError && (statuses.length === 0 || statuses.includes(error.status));
}

/** The object has changed since it was read, or exists already: a decision on newer state follows. */
export function isConflict(error: unknown): boolean {
  return isApiError(error, 409);
}

/** The API server reports a manifest that contradicts the schema as 500 when it comes by server-side apply. */
const SCHEMA_MISMATCH = /failed to create typed patch object|field not declared in schema/;

/**
 * The API server understood the request and refused it: it is invalid, forbidden, or denied by admission. The same
 * request is refused again until the request, a policy or a quota changes.
 */
export function isRefusal(error: unknown): boolean {
  return isApiError(error, 400, 403, 405, 413, 422) || isSchemaMismatch(error);
}

/** A manifest with a field that its type does not have, or with a value of the wrong type. */
export function isSchemaMismatch(error: unknown): boolean {
  return isApiError(error, 400, 422, 500) && SCHEMA_MISMATCH.test(error.message);
}

/** The resourceVersion is too old to go on from. */
export function isExpired(error: unknown): boolean {
  return isApiError(error, 410);
}
