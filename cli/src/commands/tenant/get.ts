import type { Command } from 'commander';
import { tenantCommand } from './options.ts';

/** `tenant get <name>`: one tenant. */
export function tenantGet(): Command {
  return tenantCommand('get', 'show a tenant: addresses, state, limits, and the Secret with its admin secret')
    .argument('<name>', 'name of the OpenIMTenant')
    .action(async (name: string, options) => {
      const { getTenant } = await import('../../tenant/run.ts');
      await getTenant(name, options);
    });
}
