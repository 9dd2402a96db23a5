import { Option } from 'commander';

/** What was given up: deliveries of after-webhooks; messages that could not be stored; or what is parked until it can be. */
export type DeadKind = 'webhook' | 'message' | 'parked';

/** The option that chooses among them. */
export function kindOption(...kinds: readonly DeadKind[]): Option {
  return new Option(
    '--kind <kind>',
    'webhook: deliveries of after-webhooks; message: messages that were accepted and could not be stored; parked: conversations whose messages wait until they can be',
  )
    .choices(kinds)
    .default('webhook');
}
