import { runBench } from './bench.ts';

process.exitCode = await runBench(
  process.argv.slice(2),
  (text) => process.stdout.write(`${text}\n`),
  (text) => process.stderr.write(`${text}\n`),
);
