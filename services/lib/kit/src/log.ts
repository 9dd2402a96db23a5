import { destination, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';

/**
 * Structured logger. A line is a constant message plus fields; lines about a call carry `tenant`
 * and `operationID` (see {@link callFields}). Derive one per part with `log.child({ part })`.
 */
export type Logger = PinoLogger;

/** Log levels, from the most talkative to none. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  readonly level: LogLevel;
  /** Fields on every line, such as `role` or `instance`. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Where lines go instead of stderr; for tests. */
  readonly stream?: { write(line: string): void };
}

/** A logger that writes JSON lines to stderr, synchronously: nothing is lost when a process dies. */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { ...options.fields },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: [
          'token',
          'secret',
          'password',
          '*.token',
          '*.secret',
          '*.password',
          '*.tokenSecret',
          '*.adminSecret',
        ],
        censor: '[secret]',
      },
    },
    options.stream ?? destination({ fd: 2, sync: true }),
  );
}

/** The fields that every line about a call carries. */
export function callFields(ctx: { tenant: string; operationID: string }): {
  tenant: string;
  operationID: string;
} {
  return { tenant: ctx.tenant, operationID: ctx.operationID };
}

/** A logger that says nothing; for tests and tools. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
