import { type Command, Option } from 'commander';
import { repeated } from '../../arguments.ts';
import { tenantCommand, withSettings, withWriting } from './options.ts';

/** `tenant update <name>`: other settings for a tenant. */
export function tenantUpdate(): Command {
  return withWriting(withSettings(tenantCommand('update', 'change settings of a tenant; others stay')))
    .argument('<name>', 'name of the OpenIMTenant')
    .addOption(
      new Option('--unset <path>', 'remove a field of the spec; may be repeated')
        .argParser(repeated((path: string) => path))
        .default([], 'none'),
    )
    .action(async (name: string, options) => {
      const { updateTenant } = await import('../../tenant/run.ts');
      await updateTenant(name, options);
    });
}
