import { Command, Option } from 'commander';
import { positive, whole } from '../arguments.ts';
import { withDryRun } from '../dry-run.ts';
import { outputOption } from '../output.ts';
import type { SendOptions } from '../send/run.ts';
import { withTarget } from '../target-options.ts';

/** `send`: text messages to a user or a group. */
export function send(): Command {
  return withDryRun(withTarget(new Command('send')))
    .summary('send text messages')
    .description('send a text message, once or many times, and print the ids that it got')
    .argument('[text]', 'the text, or - to read it from standard input')
    .requiredOption('--from <userID>', 'who sends')
    .option('--to <userID>', 'who receives')
    .option('--group <groupID>', 'the group that receives, instead of --to')
    .option('--file <file>', 'file with the text, or - for standard input')
    .option('--count <n>', 'messages to send', whole('--count'), 1)
    .option('--rate <n>', 'most messages per second', positive('--rate'))
    .option('--concurrency <n>', 'most messages on their way at once', whole('--concurrency'), 1)
    .addOption(
      new Option(
        '--via <way>',
        'api: by the HTTP API with admin rights, disturbing no login; gateway: over a WebSocket as the user, as SDKs do',
      )
        .choices(['api', 'gateway'])
        .default('api'),
    )
    .option(
      '--platform <name>',
      'platform to log in on with --via gateway; ends another login there as the tenant has it',
      'Linux',
    )
    .option(
      '--token <token>',
      "the user's token with --via gateway, instead of a new one (env: OPENIM_TOKEN)",
    )
    .option('--token-file <file>', 'file with that token (env: OPENIM_TOKEN_FILE)')
    .addOption(outputOption())
    .action(async (text: string | undefined, options: SendOptions) => {
      const { runSend } = await import('../send/run.ts');
      await runSend(text, options);
    });
}
