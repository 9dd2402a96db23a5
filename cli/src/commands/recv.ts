import { Command } from 'commander';
import { duration, whole } from '../arguments.ts';
import { outputOption } from '../output.ts';
import type { RecvOptions } from '../recv/run.ts';
import { withTarget } from '../target-options.ts';

/** `recv`: prints messages as they come. */
export function recv(): Command {
  return withTarget(new Command('recv'))
    .summary('print messages as they come')
    .description(
      'print messages as they come: a line each, or with -o json one JSON object a line; reconnects, and then reads what it missed; Ctrl-C ends it',
    )
    .requiredOption('--as <userID>', 'who receives')
    .option(
      '--platform <name>',
      'platform to log in on; ends another login there as the tenant has it',
      'Linux',
    )
    .option('--count <n>', 'end after this many messages', whole('--count'))
    .option(
      '--timeout <time>',
      'end after this time; an error if --count was not reached',
      duration('--timeout'),
    )
    .option('--notifications', 'also print notifications that clients do not show as messages', false)
    .option('--token <token>', "the user's token, instead of a new one (env: OPENIM_TOKEN)")
    .option('--token-file <file>', 'file with that token (env: OPENIM_TOKEN_FILE)')
    .addOption(outputOption())
    .action(async (options: RecvOptions) => {
      const { runRecv } = await import('../recv/run.ts');
      await runRecv(options);
    });
}
