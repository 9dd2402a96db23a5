import type { Command } from 'commander';
import { yesOption } from '../../confirm.ts';
import { withDryRun } from '../../dry-run.ts';
import { tenantCommand, withWait } from './options.ts';

/** `tenant delete <name>`: ends a tenant. */
export function tenantDelete(): Command {
  return withWait(
    withDryRun(
      tenantCommand('delete', 'delete a tenant: its connections are closed and its clients refused'),
    ),
    '10m',
    'it is gone',
  )
    .argument('<name>', 'name of the OpenIMTenant')
    .addOption(yesOption())
    .action(async (name: string, options) => {
      const { deleteTenant } = await import('../../tenant/run.ts');
      await deleteTenant(name, options);
    });
}
