import { Command } from 'commander';
import { type OutputFormat, outputOption } from '../../output.ts';
import { type TargetOptions, withTarget } from '../../target-options.ts';

interface Options extends TargetOptions {
  reason: string;
  output: OutputFormat;
}

/** `deadletter show <id>`: one delivery with its body and the last answer, or one message with what it says. */
export function deadletterShow(): Command {
  return withTarget(new Command('show'))
    .description(
      'show a delivery that was given up, with its body and what the receiver answered last, or a message that could not be stored',
    )
    .argument('<id>', 'the delivery, or the message as `deadletter list --kind message` shows it')
    .requiredOption('--reason <text>', 'why it is read; kept in the audit log')
    .addOption(outputOption())
    .action(async (id: string, options: Options) => {
      const { isLetterID, printLetter } = await import('../../deadletter/messages.ts');
      if (isLetterID(id)) {
        await printLetter(id, options);
        return;
      }
      const { printDeliveries } = await import('../../webhook/deliveries.ts');
      await printDeliveries(id, { ...options, state: 'dead', limit: 1 });
    });
}
