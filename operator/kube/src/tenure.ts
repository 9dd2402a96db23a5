/** The term of a leader, as extended by renewals. */
export interface Tenure extends Disposable {
  /** Aborts at the renewal deadline, or by {@link Tenure.end}: work must stop. */
  readonly signal: AbortSignal;
  /** Rejects shortly before another may take the lease: work must have stopped. */
  readonly expired: Promise<never>;
  /** Records a renewal by a request sent at `sentAt` on the monotonic clock. */
  renewed(sentAt: number): void;
  end(reason: Error): void;
}

/** Bounds in ms since the request of the last renewal. */
export interface TenureBounds {
  readonly stopAfterMs: number;
  readonly expireAfterMs: number;
}

/**
 * Counts from the time at which a renewal was sent. Other candidates count from when they observe it, which is later, so
 * that this term always ends first.
 */
export function createTenure(sentAt: number, bounds: TenureBounds, expiredError: () => Error): Tenure {
  const controller = new AbortController();
  const expired = Promise.withResolvers<never>();
  // Not awaited when the leader stops in time.
  expired.promise.catch(() => {});
  let stopTimer: NodeJS.Timeout | undefined;
  let expiryTimer: NodeJS.Timeout | undefined;

  function end(reason: Error): void {
    clearTimeout(stopTimer);
    controller.abort(reason);
  }

  function renewed(from: number): void {
    const passed = performance.now() - from;
    clearTimeout(stopTimer);
    clearTimeout(expiryTimer);
    if (!controller.signal.aborted) {
      stopTimer = setTimeout(
        () => end(new Error('the lease could not be renewed in time')),
        Math.max(0, bounds.stopAfterMs - passed),
      );
    }
    expiryTimer = setTimeout(
      () => expired.reject(expiredError()),
      Math.max(0, bounds.expireAfterMs - passed),
    );
  }

  renewed(sentAt);
  return {
    signal: controller.signal,
    expired: expired.promise,
    renewed,
    end,
    [Symbol.dispose]() {
      clearTimeout(stopTimer);
      clearTimeout(expiryTimer);
    },
  };
}
