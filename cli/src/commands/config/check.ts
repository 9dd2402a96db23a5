import { Command } from 'commander';
import { usageError } from '../../exit-codes.ts';
import { type OutputFormat, outputOption, printObject } from '../../output.ts';
import { loadServerConfig } from '../../server-config.ts';

/** Sections that name files for TLS. */
const WITH_TLS = ['nats', 'mongo', 'redis', 's3'] as const;

/** `config check <file>`: whether a server would refuse nothing of this file, tenants and TLS files included. */
export function configCheck(): Command {
  return new Command('check')
    .description(
      'check a config file of the server and the files that it names; names every field at fault, those of tenants included, exit code 2',
    )
    .argument('<file>', 'YAML or JSON')
    .addOption(outputOption())
    .action(async (file: string, options: { output: OutputFormat }) => {
      const config = await loadServerConfig(file);
      const { tlsFault } = await import('@im/process');
      const faults = WITH_TLS.flatMap((section) => tlsFault(config[section].tls, `${section}.tls`) ?? []);
      if (faults.length > 0) throw usageError(`${file}: ${faults.join('; ')}`);
      await printObject({ file, valid: true, tenants: config.tenants.map((t) => t.id) }, options.output);
    });
}
