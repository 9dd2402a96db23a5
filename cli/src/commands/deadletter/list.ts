import { Command } from 'commander';
import { duration, whole } from '../../arguments.ts';
import { usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';
import { type DeadKind, kindOption } from './kind.ts';

interface Options extends TargetOptions {
  kind: DeadKind;
  event?: string;
  since?: number;
  limit: number;
  cursor?: string;
  output: OutputFormat;
}

/** `deadletter list`: deliveries of after-webhooks that were given up, or messages that could not be stored. */
export function deadletterList(): Command {
  return withTarget(new Command('list'))
    .description(
      'list deliveries of after-webhooks that were given up, or messages that could not be stored, newest first',
    )
    .addOption(kindOption('webhook', 'message', 'parked'))
    .option('--event <name>', 'with webhooks: of this event alone')
    .option('--since <time>', 'with webhooks: handed over within this time, such as 6h', duration('--since'))
    .option('--limit <n>', 'most entries', whole('--limit'), 100)
    .option('--cursor <cursor>', 'the cursor that the page before ended with')
    .addOption(outputOption())
    .action(async ({ kind, event, since, ...options }: Options) => {
      if (kind === 'webhook') {
        const { printDeliveries } = await import('../../webhook/deliveries.ts');
        await printDeliveries(undefined, { ...options, event, since, state: 'dead' });
        return;
      }
      if (event !== undefined || since !== undefined)
        throw usageError('--event and --since are for webhooks: leave them out');
      const { printLetters, printParked } = await import('../../deadletter/messages.ts');
      await (kind === 'message' ? printLetters : printParked)(options);
    });
}
