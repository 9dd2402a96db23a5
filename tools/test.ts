import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { keepCluster } from './test-run/cluster-keeper.ts';
import { beginInstallation } from './test-run/program-installer.ts';
import { type FileResult, runFile } from './test-run/run-file.ts';
import { Schedule, type Task } from './test-run/schedule.ts';
import { runStaticChecks } from './test-run/static-checks.ts';
import { BRINGS_UP_THE_NODE, findSuites, type Suite } from './test-run/suites.ts';
import { describeFile, describeRun, type SuiteResult, totals } from './test-run/summary.ts';

/**
 * Runs every test of the repository, or those whose path contains one of the arguments, and prints a
 * table by suite. Exits with 1 when anything failed or when nothing ran.
 */
const root = join(import.meta.dirname, '..');
const filters = process.argv.slice(2);

const cores = availableParallelism();
const suites = findSuites(root, filters, cores);
const installation = suites.some((suite) => suite.onKubernetes) ? beginInstallation(root) : undefined;
const onlyKubernetes = suites.every((suite) => suite.onKubernetes);
const schedule = new Schedule(suites);
const results = new Map<Suite, FileResult[]>(suites.map((suite) => [suite, []]));

/** Resolves when packages wait for what is being compiled. */
const compilersAlone = Promise.withResolvers<void>();

/** Resolves when no suite is left that needs room on the machine. */
const hasRoom = Promise.withResolvers<void>();
let needingRoom = suites.filter((suite) => suite.needsRoom).length;
if (needingRoom === 0) hasRoom.resolve();

let cluster: Promise<AsyncDisposable> | undefined;
let clusterFiles = suites.filter((suite) => suite.onCluster).length;

async function runTask({ suite, file }: Task): Promise<void> {
  if (suite.onKubernetes) {
    if (suite.lane === 'packages') compilersAlone.resolve();
    // Progress is worth showing once nothing else happens.
    await (suite.lane === 'packages' || onlyKubernetes ? installation?.finished() : installation?.ended);
  }
  // It is deployed while files run that use the same node and not the cluster.
  const nodeIsShared = suite.lane === 'kubernetes' && file !== BRINGS_UP_THE_NODE;
  if (nodeIsShared && clusterFiles > 0) cluster ??= keepCluster(root);
  if (suite.onCluster) await cluster;
  const result = await runFile(root, file, suite);
  results.get(suite)?.push(result);
  console.log(describeFile(result));
  if (suite.needsRoom && --needingRoom === 0) hasRoom.resolve();
  if (suite.onCluster && --clusterFiles === 0) await (await cluster)?.[Symbol.asyncDispose]();
}

async function check(): Promise<SuiteResult> {
  const result = await runStaticChecks(root);
  for (const file of result.files) console.log(describeFile(file));
  return result;
}

/**
 * One worker takes what mostly waits, one begins with packages, and one with end-to-end suites, once nothing is being
 * compiled in its place and no suite on Kubernetes needs the room.
 */
async function runOnServers(): Promise<void> {
  const packages = schedule.work({ lanes: ['first', 'packages', 'processes'] }, runTask);
  packages.finally(compilersAlone.resolve).catch(() => {});
  const processes = async () => {
    await schedule.work({ lanes: ['first'] }, runTask);
    await Promise.race([installation?.ended, compilersAlone.promise]);
    await hasRoom.promise;
    await schedule.work({ lanes: ['processes', 'packages'], fromEnd: true }, runTask);
  };
  await Promise.all([packages, processes(), schedule.work({ lanes: ['waiting'] }, runTask)]);
}

// Kubernetes is the longest lane, and mostly waits.
const onNode = schedule.work({ lanes: ['kubernetes', 'packages'] }, runTask);
onNode.catch(() => {});
const checks = filters.length === 0 ? [await check()] : [];
await Promise.all([onNode, runOnServers()]);

const rows = [...checks, ...suites.map((suite) => ({ name: suite.name, files: results.get(suite) ?? [] }))];
console.log(describeRun(rows));
const { passed, failed } = totals(rows.flatMap(({ files }) => files));
if (passed + failed === 0) console.error(`no test matches ${filters.join(' ')}`);
if (failed > 0 || passed === 0) process.exitCode = 1;
