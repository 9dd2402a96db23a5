import type { Command } from 'commander';
import { tenantCommand, withWriting } from './options.ts';

/** `tenant suspend <name>`: refuses all requests of a tenant, and ends its connections. */
export function tenantSuspend(): Command {
  return suspension(
    'suspend',
    'refuse all requests of a tenant with a retryable error, and end its connections; nothing is deleted',
    true,
  );
}

/** `tenant resume <name>`: takes that back. */
export function tenantResume(): Command {
  return suspension('resume', 'serve a suspended tenant again', false);
}

function suspension(verb: string, description: string, suspended: boolean): Command {
  return withWriting(tenantCommand(verb, description))
    .argument('<name>', 'name of the OpenIMTenant')
    .action(async (name: string, options) => {
      const { suspendTenant } = await import('../../tenant/run.ts');
      await suspendTenant(name, suspended, options);
    });
}
