import { Command } from 'commander';
import { outputOption } from '../../output.ts';
import { withKeyPlace } from './options.ts';

/** `key list <tenant>`: the keys of a tenant by their IDs. */
export function keyList(): Command {
  return withKeyPlace(new Command('list'))
    .description('list the keys of a tenant by ID, with the end of the former ones')
    .addOption(outputOption())
    .action(async (tenant: string, options) => {
      const { listKeys } = await import('../../key/run.ts');
      await listKeys(tenant, options);
    });
}
