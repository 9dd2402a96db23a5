import { CommanderError } from 'commander';
import { CommandError, EXIT } from './exit-codes.ts';
import { failureOf } from './failure.ts';
import { createProgram } from './program.ts';

try {
  await createProgram().parseAsync();
} catch (error) {
  const failure = failureOf(error);
  if (failure instanceof CommanderError) {
    process.exitCode = failure.exitCode === 0 ? EXIT.ok : EXIT.usage;
  } else if (failure instanceof CommandError) {
    process.stderr.write(`openimctl: ${failure.message}\n`);
    process.exitCode = failure.exitCode;
  } else {
    console.error(failure);
    process.exitCode = EXIT.refused;
  }
}
