// Prints docs/reference/config.md.
import { configReference } from '../src/config-reference.ts';

process.stdout.write(configReference());
