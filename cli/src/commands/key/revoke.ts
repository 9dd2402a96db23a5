import { Command } from 'commander';
import { yesOption } from '../../confirm.ts';
import { withDryRun } from '../../dry-run.ts';
import { outputOption } from '../../output.ts';
import { withWait } from '../tenant/options.ts';
import { withKeyPlace } from './options.ts';

/** `key revoke <tenant> <id>`: ends a key now. */
export function keyRevoke(): Command {
  return withWait(
    withDryRun(withKeyPlace(new Command('revoke'))),
    '2m',
    'all running processes refuse the key',
  )
    .description(
      'end a key now: its tokens are refused and their connections closed; one in use is replaced first',
    )
    .argument('<id>', 'ID of the key')
    .addOption(yesOption())
    .addOption(outputOption())
    .action(async (tenant: string, id: string, options) => {
      const { revokeKey } = await import('../../key/run.ts');
      await revokeKey(tenant, id, options);
    });
}
