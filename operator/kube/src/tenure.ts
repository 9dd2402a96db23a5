/** How long a leader may act on its last renewal. */
export interface Tenure extends Disposable {
  /** Aborts when the renewal deadline has passed, or by {@link Tenure.end}: the work has to stop. */
  readonly signal: AbortSignal;
  /** Rejects when the lease may be taken: work that still goes on cannot be tolerated. */
  readonly expired: Promise<never>;
  /** The lease was renewed by a request that was sent at `sentAt` on the monotonic clock. */
  renewed(sentAt: number): void;
  end(reason: Error): void;
}

/** Bounds in ms since the last renewal was sent. */
export interface TenureBounds {
  readonly stopAfterMs: number;
  readonly expireAfterMs: number;
}

/**
 * Counts from the moment at which a renewal was sent: others count from when they saw it, which is
 * later, so that this clock is always the first to run out.
 */
export function createTenure(sentAt: number, bounds: TenureBounds, expiredError: () => Error): Tenure {
  const controller = new AbortController();
  const expired = Promise.withResolvers<never>();
  // Whoever stops in time never looks at it.
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
