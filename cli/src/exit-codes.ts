/** Exit codes of openimctl; they stay the same from version to version. */
export const EXIT = {
  ok: 0,
  /** The server answered with an error. */
  refused: 1,
  /** The command line or an input file is wrong. */
  usage: 2,
  /** The server could not be reached or did not answer in time. */
  unreachable: 3,
  /** `verify` found a lost, doubled or reordered message. */
  violated: 4,
  /** A data directory is in use, or something that is needed here is missing. */
  environment: 5,
} as const;

/** An error that ends the command with a code of {@link EXIT} and one line on stderr. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

/** Wrong usage, with the remedy in the message. */
export function usageError(message: string): CommandError {
  return new CommandError(EXIT.usage, message);
}
