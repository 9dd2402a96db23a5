import type { Command } from 'commander';
import { isForPeople, type OutputFormat, printObject, type Row } from './output.ts';

/** Option of every command that changes something. */
export interface DryRunOption {
  readonly dryRun?: boolean;
}

/** Adds `--dry-run`, which every command that changes something has. */
export function withDryRun(command: Command): Command {
  return command.option('--dry-run', 'say what would change, and change nothing', false);
}

/** Thrown in place of a change with `--dry-run`: it ends the command, which prints it, with exit code 0. */
export class DryRun extends Error {
  override readonly name = 'DryRun';
  readonly change: Row;

  /**
   * @param would what would be done, such as `Ban a user.`
   * @param facts what it would be done to, and with
   */
  constructor(would: string, facts: Row = {}) {
    super(would);
    this.change = { dryRun: true, would: would.replace(/\.$/, ''), ...facts };
  }
}

/** Says that a result is what would have come of a command; for people only. */
export function noteDryRun(output: OutputFormat): void {
  if (isForPeople(output)) process.stderr.write('openimctl: nothing was changed (--dry-run)\n');
}

/** Prints the change in place of which a command ended. */
export async function printDryRun({ change }: DryRun, output: OutputFormat = 'table'): Promise<void> {
  const { dryRun: _, ...shown } = change;
  await printObject(isForPeople(output) ? shown : change, output);
  noteDryRun(output);
}
