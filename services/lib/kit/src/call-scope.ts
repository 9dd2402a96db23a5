import { AsyncLocalStorage } from 'node:async_hooks';
import { type CallContext, DEFAULT_TIMEOUT_MS } from './context.ts';
import type { Span, SpanAttributes } from './trace.ts';

/**
 * Time beyond the deadline in which a call may finish a change that it has started to write: a change cut
 * in its middle costs more than the seconds.
 */
export const WRITE_GRACE_MS = 5_000;
/** A server that keeps time itself answers that it is over; only who waits longer for that hangs up. */
const HANG_UP_MS = 100;

/** Requests to stores that a call or a job has as steps of its trace; the trace of a longer one stays readable. */
const MAX_STORE_STEPS = 200;

/** What of a call's context bounds its work, and the step of a trace that it is. */
export type CallBounds = Pick<CallContext, 'deadline' | 'signal' | 'span'>;

/** Work whose requests to stores are steps of a trace. */
class TracedWork {
  readonly span: Span;
  #left = MAX_STORE_STEPS;

  constructor(span: Span) {
    this.span = span;
  }

  step(name: string, attributes: SpanAttributes): Span | undefined {
    if (this.#left === 0) return undefined;
    this.#left--;
    return this.span.child(name, { kind: 'client', attributes });
  }

  /** As calls have it. */
  get traced(): TracedWork {
    return this;
  }
}

/**
 * How long the work of one call may go on. What it asks of the stores gets the time that is left, and is
 * refused when none is, or when the caller has gone; from its first write on it gets
 * {@link WRITE_GRACE_MS} more, and no longer heeds that the caller has gone.
 */
export class CallScope {
  /** Undefined unless the call is part of a sampled trace. */
  readonly traced: TracedWork | undefined;
  readonly #bounds: CallBounds;
  readonly #parent: CallScope | undefined;
  #wrote: boolean;
  #cancelled = false;
  #ended = false;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #signal: AbortSignal | undefined;
  #listeners: Set<() => void> | undefined;

  /**
   * @param parent the call in this process that this one is part of.
   * @param traced the work of which this is a part, where that is no call.
   */
  constructor(bounds: CallBounds, parent?: CallScope, traced = parent?.traced) {
    this.traced = bounds.span ? new TracedWork(bounds.span) : traced;
    this.#bounds = bounds;
    this.#parent = parent;
    this.#wrote = parent?.wrote ?? false;
  }

  /** Whether a change was started, here or by the call that this one is part of. */
  get wrote(): boolean {
    return this.#wrote;
  }

  /** Time left for work at the stores in ms; 0 when there is none. */
  leftMs(): number {
    if (this.cancelled) return 0;
    return Math.max(0, this.#bounds.deadline + (this.#wrote ? WRITE_GRACE_MS : 0) - Date.now());
  }

  /** The caller has gone, and nothing was written for it. */
  get cancelled(): boolean {
    return !this.#wrote && (this.#cancelled || (this.#bounds.signal?.aborted ?? false));
  }

  /** A write follows: what belongs to it gets the time to finish. */
  beginWrite(): void {
    if (this.#wrote) return;
    this.#wrote = true;
    this.#listeners = undefined;
    // What runs is read for the caller and keeps the caller's time; what follows has a separate signal.
    this.#signal = undefined;
    this.#parent?.beginWrite();
  }

  /** The caller has gone. Does nothing once a change was started. */
  cancel(): void {
    if (this.#wrote || this.#cancelled) return;
    this.#cancelled = true;
    this.#controller?.abort();
    for (const listener of this.#listeners ?? []) listener();
    this.#listeners = undefined;
  }

  /** Called once when the caller has gone before anything was written. @returns what ends that. */
  onCancel(listener: () => void): () => void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => void this.#listeners?.delete(listener);
  }

  /** Aborts soon after no time is left; undefined when the call has its answer already. */
  get signal(): AbortSignal | undefined {
    if (this.#ended) return undefined;
    if (this.#signal) return this.#signal;
    const controller = new AbortController();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => controller.abort(), this.leftMs() + HANG_UP_MS);
    this.#timer.unref();
    this.#controller = this.#wrote ? undefined : controller;
    const { signal } = this.#bounds;
    this.#signal = signal && !this.#wrote ? AbortSignal.any([signal, controller.signal]) : controller.signal;
    return this.#signal;
  }

  /** The call has its answer: nothing is aborted any more. */
  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }
}

const scopes = new AsyncLocalStorage<CallScope | TracedWork | undefined>();

/** The call that runs now; undefined for work of the process itself. */
export function currentCall(): CallScope | undefined {
  const work = scopes.getStore();
  return work instanceof CallScope ? work : undefined;
}

/** The step of a sampled trace that runs now: a call's, or that of work started by {@link withinSpan}. */
export function currentSpan(): Span | undefined {
  return scopes.getStore()?.traced?.span;
}

/**
 * Begins a step for a request to a store, as part of what runs now. Undefined unless that belongs to a sampled trace,
 * and when it has many such steps already.
 * @param name of low cardinality, such as `find users`.
 */
export function beginStoreStep(name: string, attributes: SpanAttributes): Span | undefined {
  return scopes.getStore()?.traced?.step(name, attributes);
}

/** Runs `work` of the process itself as a step of a trace, so that its requests to stores are steps of that. */
export function withinSpan<T>(span: Span, work: () => T): T {
  return scopes.run(new TracedWork(span), work);
}

/** Runs `work` as the work of a call, which ends with it. */
export async function withinCall<T>(scope: CallScope, work: () => Promise<T>): Promise<T> {
  try {
    return await scopes.run(scope, work);
  } finally {
    scope.end();
  }
}

/**
 * Runs `work` for all who wait for its result, such as a load of a cache: it has a separate deadline,
 * so that the call with the least time left does not decide for the others. Its steps are in the trace of the one that
 * began it.
 */
export function sharedWork<T>(work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + DEFAULT_TIMEOUT_MS;
  return withinCall(new CallScope({ deadline }, undefined, scopes.getStore()?.traced), work);
}

/**
 * Runs `work` as work of the process itself: for what several calls share, and for what outlives the
 * call that happened to start it.
 */
export function outsideCalls<T>(work: () => T): T {
  return scopes.getStore() === undefined ? work() : scopes.run(undefined, work);
}
