import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { keepCluster } from './test-run/cluster-keeper.ts';
import { beginInstallation } from './test-run/program-installer.ts';
import { type FileResult, runFile } from './test-run/run-file.ts';
import { runStaticChecks } from './test-run/static-checks.ts';
import { findSuites, type Lane, type Suite } from './test-run/suites.ts';
import { describeFile, describeRun, type SuiteResult, totals } from './test-run/summary.ts';

/**
 * Runs every test of the repository, or those whose path contains one of the arguments, and prints a
 * table by suite. Exits with 1 when anything failed or when nothing ran.
 */
const root = join(import.meta.dirname, '..');
const filters = process.argv.slice(2);

async function runSuite(suite: Suite): Promise<SuiteResult> {
  const begun = performance.now();
  const waiting = [...suite.files];
  const results: FileResult[] = [];
  const worker = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const result = await runFile(root, file, suite);
      results.push(result);
      console.log(describeFile(result));
    }
  };
  await Promise.all(Array.from({ length: suite.concurrency }, worker));
  return { name: suite.name, files: results, ms: performance.now() - begun };
}

const suites = findSuites(root, filters, availableParallelism());
const installation = suites.some((suite) => suite.onKubernetes) ? beginInstallation(root) : undefined;

const done = new Map<Suite, SuiteResult>();

/** Resolves when tests wait for what is being compiled. */
const compilersAlone = Promise.withResolvers<void>();

/** Runs the suites of one lane one after another. */
async function runLane(lane: Lane): Promise<void> {
  let kept: AsyncDisposable | undefined;
  try {
    for (const suite of suites.filter((suite) => suite.lane === lane)) {
      if (suite.onKubernetes) {
        compilersAlone.resolve();
        await installation?.finished();
      }
      if (suite.onCluster) kept ??= await keepCluster(root);
      done.set(suite, await runSuite(suite));
    }
  } finally {
    await kept?.[Symbol.asyncDispose]();
  }
}

const checks: SuiteResult[] = [];
if (filters.length === 0) {
  const result = await runStaticChecks(root);
  for (const file of result.files) console.log(describeFile(file));
  checks.push(result);
}
await runLane('first');
// While programs are being compiled, they take the place of the second lane.
const packages = runLane('packages').finally(compilersAlone.resolve);
await Promise.race([installation?.ended, compilersAlone.promise]);
await Promise.all([packages, runLane('behaviours')]);
const results = [...checks, ...suites.flatMap((suite) => done.get(suite) ?? [])];
console.log(describeRun(results));
const { passed, failed } = totals(results.flatMap(({ files }) => files));
if (passed + failed === 0) console.error(`no test matches ${filters.join(' ')}`);
if (failed > 0 || passed === 0) process.exitCode = 1;
