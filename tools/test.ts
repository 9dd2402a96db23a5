import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { keepCluster } from './test-run/cluster-keeper.ts';
import { beginInstallation } from './test-run/program-installer.ts';
import { type FileResult, runFile } from './test-run/run-file.ts';
import { runStaticChecks } from './test-run/static-checks.ts';
import { findSuites, type Suite } from './test-run/suites.ts';
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
const onKubernetes = suites.filter((suite) => suite.onKubernetes);
const installation = onKubernetes.length > 0 ? beginInstallation(root) : undefined;

const done: SuiteResult[] = [];
if (filters.length === 0) {
  const checks = await runStaticChecks(root);
  for (const result of checks.files) console.log(describeFile(result));
  done.push(checks);
}
for (const suite of suites.filter((suite) => !suite.onKubernetes)) done.push(await runSuite(suite));
await installation?.finished();
for (const suite of onKubernetes.filter((suite) => !suite.onCluster)) done.push(await runSuite(suite));
const onCluster = onKubernetes.filter((suite) => suite.onCluster);
if (onCluster.length > 0) {
  await using _kept = await keepCluster(root);
  for (const suite of onCluster) done.push(await runSuite(suite));
}
console.log(describeRun(done));
const { passed, failed } = totals(done.flatMap(({ files }) => files));
if (passed + failed === 0) console.error(`no test matches ${filters.join(' ')}`);
if (failed > 0 || passed === 0) process.exitCode = 1;
