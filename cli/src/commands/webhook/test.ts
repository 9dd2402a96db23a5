import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { withDryRun } from '../../dry-run.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  output: OutputFormat;
}

/** `webhook test <event>`: the server sends a sample of an event to the tenant's receiver. */
export function webhookTest(): Command {
  return withDryRun(withTarget(new Command('test')))
    .description("make the server send a sample of an event to the tenant's receiver, and say what came back")
    .argument('<event>', 'event, such as beforeSendSingleMsg')
    .addOption(outputOption())
    .action(async (event: string, options: Options) => {
      const { testWebhook: operation } = await import('@im/admin-api');
      const { url, outcome, status, answer, tookMs } = await withAdmin(options, (admin) =>
        admin.call(operation, { body: { event } }),
      );
      await printObject({ url, outcome, status, answer, tookMs }, options.output);
      if (outcome !== 'answered' || status < 200 || status >= 300)
        throw new CommandError(
          status === 0 ? EXIT.unreachable : EXIT.refused,
          `the receiver did not take the sample: ${outcome}, status ${status}`,
        );
    });
}
