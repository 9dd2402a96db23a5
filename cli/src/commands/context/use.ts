import { Command } from 'commander';
import { withDryRun } from '../../dry-run.ts';
import { type OutputFormat, outputOption } from '../../output.ts';

/** `context use <name>`: the server that commands use from now on. */
export function contextUse(): Command {
  return withDryRun(new Command('use'))
    .description('make a context the current one, which commands use when nothing else names a server')
    .argument('<name>', 'name of the context')
    .addOption(outputOption())
    .action(async (name: string, options: { output: OutputFormat; dryRun: boolean }) => {
      const { useContext } = await import('../../context/run.ts');
      await useContext(name, options);
    });
}
