import type { third } from '@im/protocol';
import { Command } from 'commander';
import { callApi } from '../../api-client.ts';
import { duration } from '../../arguments.ts';
import { usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { asAdmin, resolveTarget } from '../../target.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';
import { sinceTime } from '../../webhook/since.ts';

interface Options extends TargetOptions {
  dead?: boolean;
  all?: boolean;
  event?: string;
  since?: number;
  until?: number;
  output: OutputFormat;
}

/**
 * `webhook replay`: one delivery, or all dead ones, get another day of attempts.
 * @param every the option that chooses all dead ones
 */
export function webhookReplay(name = 'replay', every: '--dead' | '--all' = '--dead'): Command {
  return withTarget(new Command(name))
    .description('deliver again: one delivery by its id, or all dead ones; they keep their ids')
    .argument('[id]', 'the delivery')
    .option(every, 'all dead deliveries of the tenant')
    .option('--event <name>', `with ${every}: of this event alone`)
    .option('--since <time>', `with ${every}: handed over within this time, such as 6h`, duration('--since'))
    .option(
      '--until <time>',
      `with ${every}: handed over at least this long ago, such as 1h`,
      duration('--until'),
    )
    .addOption(outputOption())
    .action(async (id: string | undefined, options: Options) => {
      const { dead: isDead, all = isDead ?? false, event = '', since, until, output } = options;
      if ((id === undefined) === !all)
        throw usageError(`name a delivery, or all dead ones by ${every}; not both`);
      const admin = await asAdmin(await resolveTarget(options));
      const { replayed } = await callApi<third.ReplayWebhookDeliveriesResp>(
        admin,
        '/admin/v1/webhooks/replay',
        id === undefined
          ? { event, startTime: sinceTime(since), endTime: sinceTime(until) }
          : { deliveryID: id },
      );
      await printObject({ replayed }, output);
    });
}
