import type { Command } from 'commander';
import { tenant } from '../../arguments.ts';
import { tenantCommand, withSettings, withWriting } from './options.ts';

/** `tenant create [name]`: a tenant of a cluster. */
export function tenantCreate(): Command {
  return withWriting(
    withSettings(
      tenantCommand('create', 'create a tenant of a cluster, in its namespace or in that of --namespace'),
    ),
  )
    .argument('[name]', 'name of the OpenIMTenant; that of --file when absent')
    .option(
      '--cluster <name>',
      'name or namespace/name of the OpenIMCluster, which with --namespace may be in another one; when absent the only one (env: OPENIM_CLUSTER)',
    )
    .option('--id <id>', 'id of the tenant in URLs; <name> when absent', tenant('--id'))
    .option('--dedicated', 'in a separate database', false)
    .option('-f, --file <file>', 'manifest of an OpenIMTenant, - for standard input; options go over it')
    .action(async (name: string | undefined, options) => {
      const { createTenant } = await import('../../tenant/run.ts');
      await createTenant(name, options);
    });
}
