import { Command, Option } from 'commander';
import { printValue } from '../../output.ts';
import { loadServerConfig } from '../../server-config.ts';

/** `config print [file]`: the config as a server would use it. */
export function configPrint(): Command {
  return new Command('print')
    .description(
      'print the config that a server would use: defaults, the file, the environment (OPENIM_...); secrets are masked',
    )
    .argument('[file]', 'YAML or JSON; without one, defaults and environment')
    .addOption(
      new Option('-o, --output <format>', 'form of the result').choices(['yaml', 'json']).default('yaml'),
    )
    .action(async (file: string | undefined, options: { output: 'yaml' | 'json' }) => {
      const { redactConfig } = await import('@im/process');
      await printValue(redactConfig(await loadServerConfig(file)), options.output);
    });
}
