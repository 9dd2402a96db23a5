/** Exit codes of openimctl; they stay the same from version to version. */
export const EXIT = {
  ok: 0,
  refused: 1,
  usage: 2,
  unreachable: 3,
  violated: 4,
  environment: 5,
  unhealthy: 6,
} as const;

/** What each exit code means, for the reference page. */
export const EXIT_MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'Done.',
  refused: 'The server answered with an error.',
  usage: 'The command line, an input file or a config file is wrong; nothing was done.',
  unreachable: 'The server could not be reached, did not answer in time, or was not ready in time.',
  violated:
    '`verify` or `bench` found a message lost, doubled, reordered or made up, or a limit of the bench exceeded.',
  environment: 'A data directory is in use, a port is taken, or something that is needed here is missing.',
  unhealthy: '`doctor` found something critical, with `--strict` also a warning.',
};

/** An error that ends the command with a code of {@link EXIT} and one line on stderr. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The server answered with an error; `code` is its errCode. */
export class RefusedError extends CommandError {
  readonly code: number;

  constructor(code: number, message: string) {
    super(EXIT.refused, message);
    this.code = code;
  }
}

/** Wrong usage, with the remedy in the message. */
export function usageError(message: string): CommandError {
  return new CommandError(EXIT.usage, message);
}
