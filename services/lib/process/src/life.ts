import { ConfigError } from '@im/contract';
import type { Logger } from './log.ts';

/** Exit codes of a process: wrong use or config, failure while running. */
const EXIT = { usage: 2, failure: 1 } as const;

/** How a process is kept in order once it has a logger. */
export interface Supervision {
  readonly log: Logger;
  /** Time from the first signal until the process is ended by force, in ms. */
  readonly forceAfterMs: () => number;
}

/** A process as its main function sees it. */
export interface ProcessLife {
  /** Aborts at the first signal: the process should stop in order. */
  readonly signal: AbortSignal;
  /**
   * From now on signals and stray errors are handled. The first signal asks for an orderly stop; a second one, or too
   * long a wait, ends the process. An error that was not caught leaves the process in an unknown state: it is
   * reported, and the process ends.
   */
  supervise(supervision: Supervision): void;
}

/**
 * Runs the main function of a process. The process ends with its event loop; when `main` fails, the error is written
 * to stderr and the exit code set: 2 for wrong use or config (RangeError, {@link ConfigError}), else 1.
 */
export async function runProcess(main: (life: ProcessLife) => Promise<void>): Promise<void> {
  const asked = new AbortController();
  try {
    await main({
      signal: asked.signal,
      supervise({ log, forceAfterMs }) {
        failOnStrayErrors(log);
        stopOnSignals(asked, forceAfterMs, log);
      },
    });
  } catch (error) {
    process.exitCode =
      error instanceof ConfigError || error instanceof RangeError ? EXIT.usage : EXIT.failure;
    process.stderr.write(`${describe(error)}\n`);
  }
}

/** Reports what leaves no time for an orderly end, and ends the process at once. */
export function endAtOnce(log: Logger, error: unknown, message: string): never {
  log.fatal({ err: error }, message);
  process.exit(EXIT.failure);
}

function stopOnSignals(asked: AbortController, forceAfterMs: () => number, log: Logger): void {
  const onSignal = (signal: NodeJS.Signals) => {
    if (asked.signal.aborted) {
      log.warn({ signal }, 'asked to stop again, so ending at once');
      process.exit(EXIT.failure);
    }
    log.info({ signal }, 'asked to stop');
    setTimeout(() => {
      log.error({ keptAliveBy: process.getActiveResourcesInfo() }, 'did not end in time');
      process.exit(EXIT.failure);
    }, forceAfterMs()).unref();
    asked.abort();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, onSignal);
}

function failOnStrayErrors(log: Logger): void {
  const onError = (error: unknown) => endAtOnce(log, error, 'uncaught error');
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
}

/** An error and its causes on one line each. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n  because: ${describe(error.cause)}`;
}
