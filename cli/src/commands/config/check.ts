import { Command } from 'commander';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { loadServerConfig } from '../../server-config.ts';

/** `config check <file>`: whether a server would refuse nothing of this file, tenants included. */
export function configCheck(): Command {
  return new Command('check')
    .description(
      'check a config file of the server; names every field at fault, those of tenants included, exit code 2',
    )
    .argument('<file>', 'YAML or JSON')
    .addOption(outputOption())
    .action(async (file: string, options: { output: OutputFormat }) => {
      const config = await loadServerConfig(file);
      await printObject({ file, valid: true, tenants: config.tenants.map((t) => t.id) }, options.output);
    });
}
