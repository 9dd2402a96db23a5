import { sourceFiles } from '../source-files.ts';
import type { FileOptions } from './run-file.ts';

/** Test files that run together and make one row of the summary. */
export interface Suite extends FileOptions {
  readonly name: string;
  /** Paths relative to the root. */
  readonly files: readonly string[];
  /** Maximum number of concurrent files. */
  readonly concurrency: number;
  /** Suites of one lane run one after another; lanes run at the same time. */
  readonly lane: Lane;
  /** Whether it runs programs of Kubernetes, which take long to compile where they are not installed. */
  readonly onKubernetes?: boolean;
  /** Whether it shares the cluster on Kubernetes with others. */
  readonly onCluster?: boolean;
}

/** `first` before all others; `packages` and `behaviours` at the same time. */
export type Lane = 'first' | 'packages' | 'behaviours';

const MINUTE = 60_000;

/** Its tests start a node of the machine, of which there can be one: never while a suite has a cluster. */
const LOCAL_KUBERNETES = 'tools/dev/kubernetes';

/** Packages whose tests start programs of Kubernetes. */
const ON_KUBERNETES: readonly string[] = ['operator', 'operator/kube', LOCAL_KUBERNETES];

/** Suites on a whole cluster on Kubernetes, which they share; they run last, and get longer. */
const CLUSTERS = 'e2e/suites/kubernetes/';

/**
 * All test files, in the order in which they run: unit tests of the whole repository; then, at the same time, each
 * package's tests against real servers (`test/`) and the end-to-end suites (`e2e/suites/`), each of the two one by one
 * and those that start programs of Kubernetes last, since these may still be being installed.
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
    { name: 'unit', files: unit, concurrency: Math.min(4, cores), lane: 'first', timeoutMs: 2 * MINUTE },
    ...[...integration].map(([home, files]) => packageSuite(home, files)),
    ...endToEnd.map((file) => alone(file, 20 * MINUTE)),
    ...clusters.map((file) => ({ ...alone(file, 30 * MINUTE), onKubernetes: true, onCluster: true })),
  ];
  const rank = ({ onCluster, onKubernetes }: Suite) => (onCluster ? 2 : onKubernetes ? 1 : 0);
  return suites.filter((suite) => suite.files.length > 0).sort((a, b) => rank(a) - rank(b));
}

/** The tests of one package against real servers. */
function packageSuite(home: string, files: readonly string[]): Suite {
  return {
    name: home,
    files,
    concurrency: 1,
    lane: home === LOCAL_KUBERNETES ? 'behaviours' : 'packages',
    timeoutMs: 10 * MINUTE,
    onKubernetes: ON_KUBERNETES.includes(home),
  };
}

/** An end-to-end file, which is a suite by itself; browsers and clusters leave connections open. */
function alone(file: string, timeoutMs: number): Suite {
  const name = file.replace('e2e/suites/', 'e2e ').replace('.test.ts', '');
  return { name, files: [file], concurrency: 1, lane: 'behaviours', timeoutMs, forceExit: true };
}

/** A filter as the shell may have completed it: `./services/lib/kit/` means `services/lib/kit/`. */
function clean(filter: string): string {
  return filter.replace(/^\.\//, '');
}
