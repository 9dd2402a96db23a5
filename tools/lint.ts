import { join } from 'node:path';
import { runStaticChecks } from './test-run/static-checks.ts';
import { describeFile, totals } from './test-run/summary.ts';

/** Runs the static checks and prints what they found. Exits with 1 when there is anything. */
const { files } = await runStaticChecks(join(import.meta.dirname, '..'));
for (const result of files) console.log(describeFile(result));
if (totals(files).failed > 0) process.exitCode = 1;
