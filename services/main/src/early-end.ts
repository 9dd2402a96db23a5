const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

function end(): void {
  process.exit();
}

/**
 * Ends the process at a signal that comes while its code is still being loaded, before there is anything to stop. The
 * first process of a container ignores signals that it has no handler for, and would be waited for until it is killed.
 */
export function endOnEarlySignals(): void {
  for (const signal of SIGNALS) process.on(signal, end);
}

/** Leaves signals to the orderly stop of the process. */
export function endNoMoreOnSignals(): void {
  for (const signal of SIGNALS) process.off(signal, end);
}
