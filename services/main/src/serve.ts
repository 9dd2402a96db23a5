import { parseArgs } from 'node:util';
import { ConfigError } from '@im/contract';
import { createLogger, type Logger, readStartConfig, warnOfDeprecated } from '@im/process';
import { followConfigFile } from './config-file.ts';
import { endNoMoreOnSignals } from './early-end.ts';
import { ROLES } from './roles.ts';
import { type Overrides, runServer } from './server.ts';

const USAGE = `usage: serve <role> [<role> ...] [--config <file>]
roles: ${ROLES.join(', ')}`;

/** Exit codes of a process: wrong use or config, failure while running. */
const EXIT = { usage: 2, failure: 1 } as const;

/** Time between the end of the shutdown's own deadline and the end by force. */
const FORCE_AFTER_MS = 5_000;

/**
 * The life of a server process: arguments and config, the server, signals, the end by an empty event
 * loop. Sets the exit code and, when something keeps the process alive or breaks, ends it.
 * @param args what follows the script's name, for example `serve gateway --config im.yaml`.
 */
export async function serve(args: readonly string[], overrides?: Overrides): Promise<void> {
  const asked = new AbortController();
  try {
    const { roles, file } = parseCommand(args);
    const loaded = await readStartConfig({ file });
    const { config, hash: configHash, invalidTenants } = loaded;
    const log = createLogger({ level: config.log.level, fields: { role: roles.join(',') } });
    warnOfDeprecated(loaded.deprecated, log);
    failOnStrayErrors(log);
    let deadlineMs = () => config.shutdown.deadlineMs;
    stopOnSignals(asked, () => deadlineMs() + FORCE_AFTER_MS, log);
    const server = await runServer(config, {
      roles,
      configHash,
      invalidTenants,
      signal: asked.signal,
      log,
      overrides,
    });
    deadlineMs = () => server.live.current.shutdown.deadlineMs;
    if (file !== undefined) followConfigFile(server, { file }, loaded);
  } catch (error) {
    process.exitCode =
      error instanceof ConfigError || error instanceof RangeError ? EXIT.usage : EXIT.failure;
    process.stderr.write(`${describe(error)}\n`);
  }
}

function parseCommand(args: readonly string[]): { roles: string[]; file: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { config: { type: 'string', short: 'c' } },
    });
    const [command, ...roles] = positionals;
    if (command !== 'serve' || roles.length === 0) throw new RangeError(USAGE);
    return { roles, file: values.config };
  } catch (error) {
    if (error instanceof TypeError) throw new RangeError(`${error.message}\n${USAGE}`);
    throw error;
  }
}

/** The first signal asks for an orderly stop; a second one, or too long a wait, ends the process. */
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
  endNoMoreOnSignals();
}

/** An error that nobody caught leaves the process in an unknown state: it is reported, and the process ends. */
function failOnStrayErrors(log: Logger): void {
  const onError = (error: unknown) => {
    log.fatal({ err: error }, 'uncaught error');
    process.exit(EXIT.failure);
  };
  process.on('uncaughtException', onError);
  process.on('unhandledRejection', onError);
}

/** An error and its causes on one line each. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}\n  because: ${describe(error.cause)}`;
}
