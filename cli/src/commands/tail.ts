import { Command, Option } from 'commander';
import { whole } from '../arguments.ts';
import { outputOption } from '../output.ts';
import type { TailOptions } from '../tail/run.ts';
import { withTarget } from '../target-options.ts';

/** `tail`: deliveries of a tenant as they happen. */
export function tail(): Command {
  return withTarget(new Command('tail'))
    .summary('watch messages and notifications of a tenant, without their content')
    .description(
      'print a line for each message, notification and transient event of a tenant as it is delivered: who, where, which type and how large, never what it says; the reading is recorded in the audit log, and slows no delivery',
    )
    .option('--user <userID>', 'sent by, or delivered to, this user')
    .option('--conversation <conversationID>', 'in this conversation, such as si_alice_bob')
    .option('--content-type <n>', 'of this content type, such as 101 for text', whole('--content-type'))
    .addOption(
      new Option('--event <event>', 'of this kind').choices(['message', 'notification', 'transient']),
    )
    .option('--count <n>', 'end after so many', whole('--count'))
    .requiredOption('--reason <text>', 'why you read it; kept in the audit log')
    .addOption(outputOption())
    .action(async (options: TailOptions) => {
      const { runTail } = await import('../tail/run.ts');
      await runTail(options);
    });
}
