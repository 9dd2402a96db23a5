import type { Command } from 'commander';
import { webhookReplay } from '../webhook/replay.ts';

/** `deadletter retry`: gives deliveries another day of attempts. */
export function deadletterRetry(): Command {
  return webhookReplay('retry', '--all');
}
