import { Command, Option } from 'commander';
import { duration, whole } from '../../arguments.ts';
import { outputOption } from '../../output.ts';
import { withTarget } from '../../target-options.ts';
import type { DeliveryOptions } from '../../webhook/deliveries.ts';

/** `webhook deliveries [id]`: deliveries that did not succeed at once. */
export function webhookDeliveries(): Command {
  return withTarget(new Command('deliveries'))
    .description('list deliveries of after-webhooks that are dead or wait for another attempt, newest first')
    .argument('[id]', 'show this one, with its body; needs --reason')
    .addOption(new Option('--state <state>', 'which deliveries').choices(['dead', 'waiting']).default('dead'))
    .option('--event <name>', 'of this event alone')
    .option('--since <time>', 'handed over within this time, such as 6h', duration('--since'))
    .option('--limit <n>', 'most deliveries', whole('--limit'), 100)
    .option('--cursor <cursor>', 'the cursor that the page before ended with')
    .option('--reason <text>', 'why the body is read; kept in the audit log')
    .addOption(outputOption())
    .action(async (id: string | undefined, options: DeliveryOptions) => {
      const { printDeliveries } = await import('../../webhook/deliveries.ts');
      await printDeliveries(id, options);
    });
}
