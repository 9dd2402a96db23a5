import { Command } from 'commander';
import { withDryRun } from '../../dry-run.ts';
import { type OutputFormat, outputOption } from '../../output.ts';

/** `context remove <name>`: forgets a server. */
export function contextRemove(): Command {
  return withDryRun(new Command('remove'))
    .description('remove a context and the secret that it keeps')
    .argument('<name>', 'name of the context')
    .addOption(outputOption())
    .action(async (name: string, options: { output: OutputFormat; dryRun: boolean }) => {
      const { removeContext } = await import('../../context/run.ts');
      await removeContext(name, options);
    });
}
