import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Sampling in ms; a finer one costs wake-ups in idle processes. */
const SAMPLING_MS = 20;
/** A figure covers at least this long, so that one late sample is not all there is. */
const WINDOW_MS = 5_000;
const NS_PER_MS = 1_000_000;

/** How late the event loop is. */
export interface EventLoopDelay {
  /** 99th percentile in ms of the last 5 to 10 s; 0 while nothing was measured. */
  p99(): number;
  stop(): void;
}

/** Begins to measure. */
export function measureEventLoopDelay(now: () => number = () => performance.now()): EventLoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: SAMPLING_MS });
  histogram.enable();
  let since = now();
  let previous: number | undefined;
  // A sample is the time between two ticks, of which the sampling itself is no delay.
  const current = () =>
    histogram.count === 0 ? 0 : Math.max(0, histogram.percentile(99) / NS_PER_MS - SAMPLING_MS);
  return {
    p99() {
      const measured = current();
      if (now() - since < WINDOW_MS) return Math.max(previous ?? 0, measured);
      // A value not read for long is an average of long ago.
      previous = measured;
      since = now();
      histogram.reset();
      return measured;
    },
    stop: () => {
      histogram.disable();
    },
  };
}
