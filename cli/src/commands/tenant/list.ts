import type { Command } from 'commander';
import { tenantCommand } from './options.ts';

/** `tenant list`: tenants of a namespace or of all. */
export function tenantList(): Command {
  return tenantCommand('list', 'list tenants, with what keeps those that are not ready')
    .option('--cluster <name>', 'only tenants of this OpenIMCluster')
    .option('-A, --all-namespaces', 'of all namespaces', false)
    .action(async (options) => {
      const { listTenants } = await import('../../tenant/run.ts');
      await listTenants(options);
    });
}
