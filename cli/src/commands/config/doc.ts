import { Command, Option } from 'commander';
import { printValue } from '../../output.ts';

/** `config doc`: the reference of the server's config. */
export function configDoc(): Command {
  return new Command('doc')
    .description('print the reference of every setting of the server')
    .addOption(
      new Option('-o, --output <format>', 'form of the result')
        .choices(['markdown', 'json', 'yaml'])
        .default('markdown'),
    )
    .action(async ({ output }: { output: 'markdown' | 'json' | 'yaml' }) => {
      const { configFields, configReference, tenantFields } = await import('@im/contract');
      if (output === 'markdown') process.stdout.write(configReference());
      else await printValue({ settings: configFields(), tenantSettings: tenantFields() }, output);
    });
}
