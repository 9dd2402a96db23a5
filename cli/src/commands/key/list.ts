import { Command } from 'commander';
import { withKube } from '../../cluster/options.ts';
import { outputOption } from '../../output.ts';
import { configOption } from './options.ts';

/** `key list <tenant>`: the keys of a tenant by their IDs. */
export function keyList(): Command {
  return withKube(new Command('list'))
    .description('list the keys of a tenant by ID, with the end of the former ones')
    .argument('<tenant>', 'name of the OpenIMTenant; with --config the id of the tenant')
    .addOption(configOption())
    .addOption(outputOption())
    .action(async (tenant: string, options) => {
      const { listKeys } = await import('../../key/run.ts');
      await listKeys(tenant, options);
    });
}
