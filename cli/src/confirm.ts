import { createInterface } from 'node:readline/promises';
import { Option } from 'commander';
import { CommandError, EXIT, usageError } from './exit-codes.ts';

/** The option that answers {@link confirmByName} beforehand. */
export function yesOption(): Option {
  return new Option('-y, --yes', 'do it without asking');
}

/** Where a person is asked. */
export interface Terminal {
  readonly isTerminal: boolean;
  ask(question: string): Promise<string>;
}

const TERMINAL: Terminal = {
  isTerminal: process.stdin.isTTY === true && process.stderr.isTTY === true,
  async ask(question) {
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return await lines.question(question);
    } finally {
      lines.close();
    }
  },
};

/**
 * Asks for the name of what is destroyed, unless `yes` is given.
 * @param what is done, such as `delete the account`
 * @throws CommandError `usage` without a terminal to ask at, or for another answer
 */
export async function confirmByName(
  what: string,
  name: string,
  yes: boolean | undefined,
  terminal: Terminal = TERMINAL,
): Promise<void> {
  if (yes) return;
  if (!terminal.isTerminal)
    throw usageError(`this would ${what} ${name}, for good: add --yes, as there is no terminal to ask at`);
  const answer = await terminal.ask(`This will ${what} ${name}, for good. Type ${name} to go on: `);
  if (answer.trim() !== name) throw new CommandError(EXIT.usage, 'not confirmed; nothing was done');
}
