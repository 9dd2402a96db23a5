import { Command } from 'commander';
import { type OutputFormat, outputOption } from '../../output.ts';

/** `context list`: all contexts, without their secrets. */
export function contextList(): Command {
  return new Command('list')
    .description('list contexts; * marks the current one')
    .addOption(outputOption())
    .action(async (options: { output: OutputFormat }) => {
      const { listContexts } = await import('../../context/run.ts');
      await listContexts(options.output);
    });
}
