import { CommanderError } from 'commander';
import { DryRun, printDryRun } from './dry-run.ts';
import { CommandError, EXIT } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import type { OutputFormat } from './output.ts';
import { createProgram } from './program.ts';

const program = createProgram();
let output: OutputFormat | undefined;
program.hook('preAction', (_, command) => {
  output = command.getOptionValue('output');
});

try {
  await program.parseAsync();
} catch (error) {
  const failure = failureOf(error);
  if (failure instanceof DryRun) {
    await printDryRun(failure, output);
  } else if (failure instanceof CommanderError) {
    process.exitCode = failure.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else if (failure instanceof CommandError) {
    process.stderr.write(`openimctl: ${failure.message}\n`);
    process.exitCode = failure.exitCode;
  } else {
    console.error(failure);
    process.exitCode = EXIT.refused;
  }
}
