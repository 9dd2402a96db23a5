import type { Command } from 'commander';
import { usageError } from '../../exit-codes.ts';
import { type ReplayOptions, replayDeliveries, webhookReplay } from '../webhook/replay.ts';
import { type DeadKind, kindOption } from './kind.ts';

/** `deadletter retry`: gives deliveries another day of attempts, and stores messages after all. */
export function deadletterRetry(): Command {
  return webhookReplay('retry', '--all')
    .description(
      'deliver again, or append messages to the log again: one by its id, or all; deliveries keep their ids, messages become the newest of their conversations',
    )
    .addOption(kindOption('webhook', 'message'))
    .action(async (id: string | undefined, options: ReplayOptions & { readonly kind: DeadKind }) => {
      const { isLetterID, retryLetter, retryLetters } = await import('../../deadletter/messages.ts');
      const isMessage = id === undefined ? options.kind === 'message' : isLetterID(id);
      if (!isMessage) return replayDeliveries(id, '--all', options);
      if ((id === undefined) === !options.all) throw usageError('name a message, or all by --all; not both');
      if (options.event !== undefined) throw usageError('--event is for webhooks: leave it out');
      await (id === undefined ? retryLetters(options) : retryLetter(id, options));
    });
}
