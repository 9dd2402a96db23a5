import { type Command, Option } from 'commander';
import { repeated } from '../arguments.ts';
import { withTarget } from '../target-options.ts';

const asText = (text: string) => text;

/** Adds what `doctor`, `check` and `report` examine. */
export function withExamined(command: Command): Command {
  return withTarget(command)
    .option(
      '--config <file>',
      'config of the server: its stores, certificates and secrets are examined from here; its environment (OPENIM_...) counts, too',
    )
    .addOption(
      new Option('--ops <url>', 'ops port of a process, such as http://10.0.0.1:10300; may be repeated')
        .argParser(repeated(asText))
        .default([], 'none'),
    )
    .addOption(
      new Option('--disk <dir>', 'directory whose disk is examined, such as that of a store; may be repeated')
        .argParser(repeated(asText))
        .default([], 'none'),
    );
}
