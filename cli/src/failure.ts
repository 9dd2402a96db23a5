import { CommandError, EXIT } from './exit-codes.ts';

/** Codes of system errors that mean that no server is reachable at the address. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EPIPE',
]);

/** Error names of the wire client, compared by name so that error reporting need not import it. */
const REFUSALS = new Set(['ApiError', 'WireError']);

/** What ended a command, as an error with an exit code; a fault of openimctl itself is returned as it is. */
export function failureOf(error: unknown): unknown {
  if (error instanceof CommandError || !(error instanceof Error)) return error;
  if (REFUSALS.has(error.name)) return new CommandError(EXIT.refused, error.message, { cause: error });
  if (error.name === 'ConnectionLost') {
    return new CommandError(EXIT.unreachable, `the connection was lost: ${error.message}`, { cause: error });
  }
  const [, status] = /^Unexpected server response: (\d+)/.exec(error.message) ?? [];
  if (status !== undefined) {
    const text = `the gateway answered HTTP ${status}; is the URL that of the gateway, and not of the API?`;
    return new CommandError(EXIT.unreachable, text, { cause: error });
  }
  const code = 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return new CommandError(EXIT.environment, `${error.message}; choose another port`, { cause: error });
  }
  if (typeof code === 'string' && UNREACHABLE.has(code)) {
    return new CommandError(EXIT.unreachable, `${textOf(error)}; is the server up, and the address right?`, {
      cause: error,
    });
  }
  return error.cause === undefined ? error : failureOfCause(error);
}

/** An error without its own code is classified by its cause, and keeps its text. */
function failureOfCause(error: Error): unknown {
  const inner = failureOf(error.cause);
  if (!(inner instanceof CommandError)) return error;
  return new CommandError(inner.exitCode, `${error.message}: ${inner.message}`, { cause: error });
}

/** Node leaves the message of an error about several addresses empty. */
export function textOf(error: Error): string {
  if (error.message !== '') return error.message;
  return error instanceof AggregateError
    ? error.errors.map((each) => `${each.message}`).join(', ')
    : error.name;
}
