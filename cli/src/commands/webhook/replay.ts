import { Command } from 'commander';
import { withAdmin } from '../../admin/call.ts';
import { duration } from '../../arguments.ts';
import { withDryRun } from '../../dry-run.ts';
import { usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';
import { sinceTime } from '../../webhook/since.ts';

/** Which deliveries are delivered again. */
export interface ReplayOptions extends TargetOptions {
  dead?: boolean;
  all?: boolean;
  event?: string;
  since?: number;
  until?: number;
  reason: string;
  output: OutputFormat;
}

/**
 * `webhook replay`: one delivery, or all dead ones, get another day of attempts.
 * @param every the option that chooses all dead ones
 */
export function webhookReplay(name = 'replay', every: '--dead' | '--all' = '--dead'): Command {
  return withDryRun(withTarget(new Command(name)))
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
    .option('--reason <text>', 'kept in the audit log', '')
    .addOption(outputOption())
    .action((id: string | undefined, options: ReplayOptions) => replayDeliveries(id, every, options));
}

/** Gives one delivery, or all dead ones, another day of attempts. @param every as of {@link webhookReplay} */
export async function replayDeliveries(
  id: string | undefined,
  every: '--dead' | '--all',
  options: ReplayOptions,
): Promise<void> {
  const { dead: isDead, all = isDead ?? false, event, since, until, reason, output } = options;
  if ((id === undefined) === !all)
    throw usageError(`name a delivery, or all dead ones by ${every}; not both`);
  const { replayWebhookDelivery, replayWebhooks } = await import('@im/admin-api');
  const replayed = await withAdmin(options, async (admin) => {
    if (id !== undefined) {
      await admin.call(replayWebhookDelivery, { params: { deliveryID: id }, body: { reason } });
      return 1;
    }
    const span = { from: sinceTime(since) || undefined, to: sinceTime(until) || undefined };
    return (await admin.call(replayWebhooks, { body: { event, ...span, reason } })).replayed;
  });
  await printObject({ replayed }, output);
}
