import type { Metrics } from '@im/kit';
import type { Logger } from '@im/process';

/** Commands without an answer in time, one after the other, that open the breaker. */
const TIMEOUTS = 3;
/** Between probes while it is open. */
const PROBE_MS = 5_000;

export interface RedisBreakerDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Asks Redis for anything; rejects when there is no answer in time. */
  readonly probe: () => Promise<unknown>;
  /** @default 5 s */
  readonly probeMs?: number;
}

/**
 * Keeps commands from a Redis that is connected but does not answer, so that callers go on without it at
 * once instead of waiting for each command: open after three timeouts without an answer between them,
 * closed by the first probe that is answered. Callers never wait for a probe.
 */
export interface RedisBreaker {
  readonly open: boolean;
  /** A command was answered, be it by an error. */
  answered(): void;
  timedOut(): void;
  close(): void;
}

/** A closed breaker. */
export function redisBreaker({ log, metrics, probe, probeMs = PROBE_MS }: RedisBreakerDeps): RedisBreaker {
  const trips = metrics.counter(
    'openim_store_redis_breaker_trips_total',
    'Times that Redis was left alone because it did not answer in time',
  );
  let timeouts = 0;
  let timer: NodeJS.Timeout | undefined;
  let ended = false;
  metrics.observe('openim_store_redis_breaker_open', 'Redis is connected but too slow to be used', () =>
    timer ? 1 : 0,
  );

  function wait(): void {
    timer = setTimeout(() => void tryOnce(), probeMs);
    timer.unref();
  }

  /** Never rejects. */
  async function tryOnce(): Promise<void> {
    try {
      await probe();
    } catch {
      if (!ended) wait();
      return;
    }
    timer = undefined;
    timeouts = 0;
    log.info('redis answers again; copies are used');
  }

  return {
    get open() {
      return timer !== undefined;
    },
    answered() {
      timeouts = 0;
    },
    timedOut() {
      if (timer || ended || ++timeouts < TIMEOUTS) return;
      trips.inc();
      log.warn({ timeouts, probeMs }, 'redis is too slow; copies are not used meanwhile');
      wait();
    },
    close() {
      ended = true;
      clearTimeout(timer);
    },
  };
}
