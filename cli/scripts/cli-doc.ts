// Prints docs/reference/cli.md.
import { cliReference } from '../src/reference.ts';

process.stdout.write(cliReference());
