/** A callback of an SDK. */
export interface SdkEvent {
  readonly event: string;
  readonly data: unknown;
  readonly errCode: number;
  readonly errMsg: string;
  /** When it reached the test, ms since the epoch with fractions. */
  readonly at: number;
}

/** The callbacks of one user, in order, since the user was made. */
export interface EventLog {
  readonly all: readonly SdkEvent[];
  /** The place after the last event; {@link EventLog.wait} looks from there on. */
  mark(): number;
  /** Events of this name since a mark. */
  named(event: string, since?: number): readonly SdkEvent[];
  /**
   * The first event of this name since `since` that matches, past or to come.
   * @throws Error that lists the received events, after `timeoutMs` (default 60 s).
   */
  wait(event: string, matches?: (event: SdkEvent) => boolean, options?: WaitOptions): Promise<SdkEvent>;
  add(event: SdkEvent): void;
  /** Calls `listener` with every event from now on. */
  listen(listener: (event: SdkEvent) => void): void;
  /** Clears past events, for long runs. */
  clear(): void;
}

export interface WaitOptions {
  readonly since?: number;
  readonly timeoutMs?: number;
  /** Ends the wait with the signal's reason. */
  readonly signal?: AbortSignal;
}

interface Waiter {
  readonly event: string;
  readonly matches: (event: SdkEvent) => boolean;
  readonly resolve: (event: SdkEvent) => void;
}

const WAIT_MS = 60_000;
/** Events that the error of a wait lists. */
const SHOWN_EVENTS = 25;

export function eventLog(owner: string): EventLog {
  let events: SdkEvent[] = [];
  const waiters = new Set<Waiter>();
  const listeners: ((event: SdkEvent) => void)[] = [];

  return {
    get all() {
      return events;
    },
    mark: () => events.length,
    named: (event, since = 0) => events.slice(since).filter((each) => each.event === event),
    clear() {
      events = [];
    },
    listen(listener) {
      listeners.push(listener);
    },
    add(event) {
      events.push(event);
      for (const listener of listeners) listener(event);
      for (const waiter of waiters) {
        if (waiter.event !== event.event || !waiter.matches(event)) continue;
        waiters.delete(waiter);
        waiter.resolve(event);
      }
    },
    async wait(event, matches = () => true, { since = 0, timeoutMs = WAIT_MS, signal } = {}) {
      const past = events.slice(since).find((each) => each.event === event && matches(each));
      if (past) return past;
      const { promise, resolve, reject } = Promise.withResolvers<SdkEvent>();
      const waiter: Waiter = { event, matches, resolve };
      waiters.add(waiter);
      const onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      const timer = setTimeout(() => {
        const came = events
          .slice(since)
          .slice(-SHOWN_EVENTS)
          .map(({ event: name, errCode, errMsg }) => (errCode ? `${name} (${errCode} ${errMsg})` : name));
        reject(
          new Error(`${owner}: no ${event} within ${timeoutMs} ms; came: ${came.join(', ') || 'nothing'}`),
        );
      }, timeoutMs);
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        waiters.delete(waiter);
        signal?.removeEventListener('abort', onAbort);
      }
    },
  };
}
