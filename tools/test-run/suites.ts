import { sourceFiles } from '../source-files.ts';
import type { FileOptions } from './run-file.ts';

/** Test files that run together and make one row of the summary. */
export interface Suite extends FileOptions {
  readonly name: string;
  /** Paths relative to the root. */
  readonly files: readonly string[];
  /** Most files that run at once. */
  readonly concurrency: number;
  /** Whether it runs programs of Kubernetes, which take long to compile where they are not installed. */
  readonly onKubernetes?: boolean;
  /** Whether it shares the cluster on Kubernetes with others. */
  readonly onCluster?: boolean;
}

const MINUTE = 60_000;

/** Packages whose tests start programs of Kubernetes. */
const ON_KUBERNETES: readonly string[] = ['operator', 'e2e/harness/kubernetes'];

/** Suites on a whole cluster on Kubernetes, which they share; they run last, and get longer. */
const CLUSTERS = 'e2e/suites/kubernetes/';

/**
 * All test files, in the order in which they run: unit tests of the whole repository, then each
 * package's tests against real servers (`test/`), then the end-to-end suites (`e2e/suites/`) one by one,
 * those on Kubernetes last. The runner puts off those of packages that start programs of Kubernetes until these are installed.
 * @param filters parts of paths; a file that contains none of them is left out. None means all.
 */
export function findSuites(root: string, filters: readonly string[], cores: number): Suite[] {
  return suitesOf(sourceFiles(root), filters, cores);
}

/** {@link findSuites} over a list of files. */
export function suitesOf(all: readonly string[], filters: readonly string[], cores: number): Suite[] {
  const files = all
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => filters.length === 0 || filters.some((part) => file.includes(clean(part))));
  const unit: string[] = [];
  const integration = new Map<string, string[]>();
  const endToEnd: string[] = [];
  const clusters: string[] = [];
  for (const file of files) {
    const [, home] = /^(.*?)\/test\//.exec(file) ?? [];
    if (file.startsWith(CLUSTERS)) clusters.push(file);
    else if (file.startsWith('e2e/suites/')) endToEnd.push(file);
    else if (home === undefined) unit.push(file);
    else integration.set(home, [...(integration.get(home) ?? []), file]);
  }
  const suites: Suite[] = [
    { name: 'unit', files: unit, concurrency: Math.min(4, cores), timeoutMs: 2 * MINUTE },
    ...[...integration].map(([home, list]) => ({
      name: home,
      files: list,
      concurrency: 1,
      timeoutMs: 10 * MINUTE,
      onKubernetes: ON_KUBERNETES.includes(home),
    })),
    ...endToEnd.map((file) => alone(file, 20 * MINUTE)),
    ...clusters.map((file) => ({ ...alone(file, 30 * MINUTE), onKubernetes: true, onCluster: true })),
  ];
  return suites.filter((suite) => suite.files.length > 0);
}

/** An end-to-end file, which is a suite by itself; browsers and clusters leave connections open. */
function alone(file: string, timeoutMs: number): Suite {
  const name = file.replace('e2e/suites/', 'e2e ').replace('.test.ts', '');
  return { name, files: [file], concurrency: 1, timeoutMs, forceExit: true };
}

/** A filter as the shell may have completed it: `./services/lib/kit/` means `services/lib/kit/`. */
function clean(filter: string): string {
  return filter.replace(/^\.\//, '');
}
