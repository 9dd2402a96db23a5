import { Command } from 'commander';
import { duration, whole } from '../../arguments.ts';
import { outputOption } from '../../output.ts';
import { withTarget } from '../../target-options.ts';

/** `deadletter list`: deliveries of after-webhooks that were given up. */
export function deadletterList(): Command {
  return withTarget(new Command('list'))
    .description('list deliveries of after-webhooks that were given up, newest first')
    .option('--event <name>', 'of this event alone')
    .option('--since <time>', 'handed over within this time, such as 6h', duration('--since'))
    .option('--limit <n>', 'most deliveries', whole('--limit'), 100)
    .option('--cursor <cursor>', 'the cursor that the page before ended with')
    .addOption(outputOption())
    .action(async (options) => {
      const { printDeliveries } = await import('../../webhook/deliveries.ts');
      await printDeliveries(undefined, { ...options, state: 'dead' });
    });
}
