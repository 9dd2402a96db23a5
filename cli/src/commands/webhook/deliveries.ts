import type { third } from '@im/protocol';
import { Command, Option } from 'commander';
import { callApi } from '../../api-client.ts';
import { duration, whole } from '../../arguments.ts';
import { isForPeople, type OutputFormat, outputOption, printRows, printValue } from '../../output.ts';
import { asAdmin, resolveTarget } from '../../target.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';
import { sinceTime } from '../../webhook/since.ts';

interface Options extends TargetOptions {
  state: 'dead' | 'waiting';
  event?: string;
  since?: number;
  limit: number;
  cursor?: string;
  output: OutputFormat;
}

const time = (ms: number) => (ms === 0 ? '' : new Date(ms).toISOString());

/** `webhook deliveries [id]`: deliveries that did not succeed at once. */
export function webhookDeliveries(): Command {
  return withTarget(new Command('deliveries'))
    .description('list deliveries of after-webhooks that are dead or wait for another attempt, newest first')
    .argument('[id]', 'show this one, with its body')
    .addOption(new Option('--state <state>', 'which deliveries').choices(['dead', 'waiting']).default('dead'))
    .option('--event <name>', 'of this event alone')
    .option('--since <time>', 'handed over within this time, such as 6h', duration('--since'))
    .option('--limit <n>', 'most deliveries, 1 to 100', whole('--limit'), 100)
    .option('--cursor <cursor>', 'the cursor that the page before ended with')
    .addOption(outputOption())
    .action(async (id: string | undefined, options: Options) => {
      const { state, event = '', since, limit, cursor = '', output } = options;
      const admin = await asAdmin(await resolveTarget(options));
      const request =
        id === undefined
          ? { state, event, startTime: sinceTime(since), limit: Math.min(limit, 100), cursor }
          : { deliveryID: id };
      const found = await callApi<{ deliveries: third.WebhookDelivery[] | null; cursor: string }>(
        admin,
        '/admin/v1/webhooks/deliveries',
        request,
      );
      const deliveries = found.deliveries ?? [];
      if (!isForPeople(output)) {
        await printValue({ deliveries, cursor: found.cursor }, output);
        return;
      }
      const rows = deliveries.map(({ attempts, outcome, ...one }) => ({
        ...{ id: one.id, event: one.event, state: one.state, created: time(one.createTime) },
        ...{ attempts, outcome, next: time(one.nextTime) },
      }));
      await printRows(rows, ['id', 'event', 'state', 'created', 'attempts', 'outcome', 'next'], output);
      for (const { answer, body } of id === undefined ? [] : deliveries)
        console.log(`answer: ${answer}\nbody: ${body}`);
      if (found.cursor) console.error(`more with: --cursor ${found.cursor}`);
    });
}
