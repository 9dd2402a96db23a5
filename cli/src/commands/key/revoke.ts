import { Command } from 'commander';
import { withKube } from '../../cluster/options.ts';
import { yesOption } from '../../confirm.ts';
import { outputOption } from '../../output.ts';
import { withWait } from '../tenant/options.ts';
import { configOption } from './options.ts';

/** `key revoke <tenant> <id>`: ends a key now. */
export function keyRevoke(): Command {
  return withWait(withKube(new Command('revoke')), '2m', 'all running processes refuse the key')
    .description(
      'end a key now: its tokens are refused and their connections closed; one in use is replaced first',
    )
    .argument('<tenant>', 'name of the OpenIMTenant; with --config the id of the tenant')
    .argument('<id>', 'ID of the key')
    .addOption(configOption())
    .addOption(yesOption())
    .addOption(outputOption())
    .action(async (tenant: string, id: string, options) => {
      const { revokeKey } = await import('../../key/run.ts');
      await revokeKey(tenant, id, options);
    });
}
