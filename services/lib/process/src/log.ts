import type { LogLevel } from '@im/contract';
import type { Span } from '@im/kit';
import { destination, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';

/**
 * Structured logger. A line is a constant message plus fields; lines about a call carry `tenant`
 * and `operationID` (see {@link callFields}). Derive one per part with `log.child({ part })`.
 */
export type Logger = PinoLogger;

/** Options of {@link createLogger}. */
export interface LoggerOptions {
  readonly level: LogLevel;
  /** Fields on every line, such as `role` or `instance`. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Where lines go instead of stderr; for tests. */
  readonly stream?: { write(line: string): void };
}

/** Loggers derived from each root, which keep a separate level. */
const families = new WeakMap<Logger, Family>();

/** Derived loggers for as long as they are in use: some live no longer than a piece of work. */
class Family {
  #members: WeakRef<Logger>[] = [];
  #pruneAt = 64;

  add(member: Logger): void {
    this.#members.push(new WeakRef(member));
    if (this.#members.length < this.#pruneAt) return;
    this.#members = this.#members.filter((ref) => ref.deref() !== undefined);
    this.#pruneAt = Math.max(64, 2 * this.#members.length);
  }

  setLevel(level: LogLevel): void {
    for (const ref of this.#members) {
      const member = ref.deref();
      if (member) member.level = level;
    }
  }
}

/** Changes the level of a logger made by {@link createLogger}, and of all that were derived from it. */
export function setLogLevel(logger: Logger, level: LogLevel): void {
  logger.level = level;
  families.get(logger)?.setLevel(level);
}

/** A logger that writes JSON lines to stderr, synchronously: nothing is lost when a process dies. */
export function createLogger(options: LoggerOptions): Logger {
  const family = new Family();
  const logger: Logger = pino(
    {
      onChild: (child) => family.add(child),
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
          '*.secondTokenSecret',
          '*.secondAdminSecret',
        ],
        censor: '[secret]',
      },
    },
    options.stream ?? destination({ fd: 2, sync: true }),
  );
  families.set(logger, family);
  return logger;
}

/** A call as log lines name it. */
export interface LoggedCall {
  readonly tenant: string;
  readonly operationID: string;
  readonly span?: Pick<Span, 'traceID' | 'spanID'>;
}

/** Fields of a log line about a call. */
export interface CallFields {
  readonly tenant: string;
  readonly operationID: string;
  readonly trace_id?: string;
  readonly span_id?: string;
}

/** The fields that every line about a call carries; those of its trace when it is sampled. */
export function callFields({ tenant, operationID, span }: LoggedCall): CallFields {
  if (!span) return { tenant, operationID };
  return { tenant, operationID, trace_id: span.traceID, span_id: span.spanID };
}

/** A logger that says nothing; for tests and tools. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
