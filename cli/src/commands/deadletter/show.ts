import { Command } from 'commander';
import { outputOption } from '../../output.ts';
import { withTarget } from '../../target-options.ts';

/** `deadletter show <id>`: one delivery with its body and the last answer. */
export function deadletterShow(): Command {
  return withTarget(new Command('show'))
    .description('show a delivery that was given up, with its body and what the receiver answered last')
    .argument('<id>', 'the delivery')
    .requiredOption('--reason <text>', 'why the body is read; kept in the audit log')
    .addOption(outputOption())
    .action(async (id: string, options) => {
      const { printDeliveries } = await import('../../webhook/deliveries.ts');
      await printDeliveries(id, { ...options, state: 'dead', limit: 1 });
    });
}
