// Part of `make setup`: Prometheus, ahead of the tests that need it.
import { prometheusPrograms } from '../src/index.ts';

try {
  process.stdout.write(`prometheus: ${(await prometheusPrograms()).prometheus}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
