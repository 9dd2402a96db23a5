import { sourceFiles } from '../source-files.ts';
import type { FileOptions } from './run-file.ts';

/** Test files that make one row of the summary. */
export interface Suite extends FileOptions {
  readonly name: string;
  /** Paths relative to the root. */
  readonly files: readonly string[];
  /** Maximum number of concurrent files. */
  readonly concurrency: number;
  readonly lane: Lane;
  /** Whether it runs programs of Kubernetes, which take long to compile where they are not installed. */
  readonly onKubernetes?: boolean;
  /** Whether it shares the cluster on Kubernetes with others. */
  readonly onCluster?: boolean;
  /** Whether it breaks and replaces parts of a cluster under load, for which there must be some room on the machine. */
  readonly needsRoom?: boolean;
}

/**
 * What runs at the same time as what. `first`: unit tests, before packages and processes. `packages`: tests against
 * single servers, files of different packages at a time. `waiting`: those of them that mostly wait, next to everything
 * else, one file at a time. `processes`: end-to-end suites that load the machine, one file at a time. `kubernetes`: what uses the one node of the machine, one file at a time; mostly waiting.
 */
export type Lane = 'first' | 'packages' | 'waiting' | 'processes' | 'kubernetes';

const MINUTE = 60_000;

/** Packages whose tests start programs of Kubernetes. */
const ON_KUBERNETES: readonly string[] = ['operator', 'operator/kube', 'tools/dev/kubernetes'];

/** Test files of other packages that do so; each is a suite, so that the rest of the package does not wait for these programs. */
const FILES_ON_KUBERNETES: readonly string[] = ['services/console/test/cluster-resource.test.ts'];

/** Test files of packages that wait most of a minute for limits and leases to expire; each is a suite. */
const MOSTLY_WAIT: readonly string[] = [
  'services/auth/test/outage.test.ts',
  'services/group/test/outbox.test.ts',
  'services/lib/store/test/deadline.test.ts',
  'services/transfer/test/purge.test.ts',
  'services/user/test/presence.test.ts',
  'operator/kube/test/election.test.ts',
];

/** Brings up the node of the machine and stops it, which others that use the node would prevent. */
export const BRINGS_UP_THE_NODE = 'tools/dev/kubernetes/test/local-cluster.test.ts';

/** Test files of packages that use the node of the machine, in order. */
const ON_THE_NODE: readonly string[] = [
  BRINGS_UP_THE_NODE,
  'tools/dev/kubernetes/test/store-images.test.ts',
  'operator/test/managed-stores.test.ts',
];

/** Packages with many long files, each on a separate control plane. */
const SEVERAL_AT_A_TIME: readonly string[] = ['operator'];

/** Suites on a whole cluster on Kubernetes, which they share. It is deployed while the files of {@link ON_THE_NODE} run. */
const CLUSTERS = 'e2e/suites/kubernetes/';

/** Those of {@link CLUSTERS} that need room; they come first. */
const NEED_ROOM: readonly string[] = [
  'kill-each-pod',
  'operator-restarts',
  'rollout',
  'upgrade',
  'paced-drain',
  'production',
].map((name) => `${CLUSTERS}${name}.test.ts`);

/**
 * All test files by suites, in the order in which those of a lane start: unit tests of the whole repository; each
 * package's tests against real servers (`test/`), those that start programs of Kubernetes last, since these may still
 * be being installed; the end-to-end suites (`e2e/suites/`).
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
  const onServers = new Map<string, string[]>();
  const onKubernetes = new Map<string, string[]>();
  const waiting: string[] = [];
  const processes: string[] = [];
  const clusters: string[] = [];
  for (const file of files) {
    const [, home] = /^(.*?)\/test\//.exec(file) ?? [];
    if (file.startsWith(CLUSTERS)) clusters.push(file);
    else if (file.startsWith('e2e/suites/')) processes.push(file);
    else if (home === undefined) unit.push(file);
    else if (MOSTLY_WAIT.includes(file)) waiting.push(file);
    else if (!ON_THE_NODE.includes(file)) {
      const isAlone = FILES_ON_KUBERNETES.includes(file);
      const packages = isAlone || ON_KUBERNETES.includes(home) ? onKubernetes : onServers;
      const name = isAlone ? nameOf(file) : home;
      packages.set(name, [...(packages.get(name) ?? []), file]);
    }
  }
  const onNode = { lane: 'kubernetes', onKubernetes: true } as const;
  const suites: Suite[] = [
    { name: 'unit', files: unit, concurrency: cores, lane: 'first', timeoutMs: 2 * MINUTE },
    ...[...onServers].map(([home, files]) => packageSuite(home, files)),
    ...[...onKubernetes].map(([home, files]) => ({ ...packageSuite(home, files), onKubernetes: true })),
    ...waiting.map((file) => ({
      ...packageSuite(nameOf(file), [file]),
      lane: 'waiting' as const,
      onKubernetes: ON_KUBERNETES.some((home) => file.startsWith(`${home}/test/`)),
    })),
    ...processes.map((file) => alone(file, PROCESSES_MS)),
    ...ON_THE_NODE.filter((file) => files.includes(file)).map((file) => ({
      ...packageSuite(nameOf(file), [file]),
      ...onNode,
    })),
    ...[
      ...clusters.filter((file) => NEED_ROOM.includes(file)),
      ...clusters.filter((file) => !NEED_ROOM.includes(file)),
    ].map((file) => ({
      ...alone(file, 30 * MINUTE),
      ...onNode,
      onCluster: true,
      needsRoom: NEED_ROOM.includes(file),
    })),
  ];
  return suites.filter((suite) => suite.files.length > 0);
}

/** With FULL=1 one of them compiles Jaeger. */
const PROCESSES_MS = (process.env.FULL === '1' ? 60 : 20) * MINUTE;
/** A file of a package in its long form measures for half an hour at most. */
const PACKAGE_MS = (process.env.FULL === '1' ? 40 : 10) * MINUTE;

/** The name of a suite that is one file of a package. */
function nameOf(file: string): string {
  return file.replace('/test/', ' ').replace('.test.ts', '');
}

/** The tests of one package against real servers. */
function packageSuite(name: string, files: readonly string[]): Suite {
  const concurrency = SEVERAL_AT_A_TIME.includes(name) ? 2 : 1;
  return { name, files, concurrency, lane: 'packages', timeoutMs: PACKAGE_MS };
}

/** An end-to-end file, which is a suite by itself; browsers and clusters leave connections open. */
function alone(file: string, timeoutMs: number): Suite {
  const name = file.replace('e2e/suites/', 'e2e ').replace('.test.ts', '');
  return { name, files: [file], concurrency: 1, lane: 'processes', timeoutMs, forceExit: true };
}

/** A filter as the shell may have completed it: `./services/lib/kit/` means `services/lib/kit/`. */
function clean(filter: string): string {
  return filter.replace(/^\.\//, '');
}
