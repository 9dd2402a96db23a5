import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { circles } from './lint-dependencies/circles.ts';
import { manifestFaults, type UsedByName } from './lint-dependencies/manifests.ts';
import {
  homeOf,
  importGraph,
  importsOf,
  packageOf,
  type Source,
  shippedFiles,
  type Workspace,
} from './lint-dependencies/source.ts';
import { sourceFiles } from './source-files.ts';

const PROTOCOL = '@im/protocol';
const CONTRACT = '@im/contract';
const KIT = '@im/kit';
const PROCESS = '@im/process';
/** What every package above may use: the contract, small tools and the life of a process. */
const BASE = [CONTRACT, KIT, PROCESS];
const ADAPTERS = ['@im/rpc', '@im/store', '@im/bus', '@im/blob'];
const WEBHOOKS = '@im/webhooks';
const TRACING = '@im/tracing';
const PUSH_PROVIDERS = '@im/push-providers';
const SMS_MAIL = '@im/sms-mail';
const DOMAIN = '@im/domain';
const ADMIN_API = '@im/admin-api';
const CONSOLE = '@im/console';
const TESTING = '@im/testing';
const SERVICES = ['gateway', 'api', 'auth', 'user', 'msg', 'conversation', 'group', 'relation', 'third']
  .concat(['transfer', 'push', 'cron'])
  .map((name) => `@im/${name}`);
const PROBER = '@im/prober';
const MAIN = '@im/main';
const KUBE = '@im/kube';
const CLIENT = '@im/client';
const PROOF = '@im/proof';
const DEV_STORES = '@im/dev-stores';
const DEV_KUBERNETES = '@im/dev-kubernetes';
const DEV_JAEGER = '@im/dev-jaeger';
const DEV_PROMETHEUS = '@im/dev-prometheus';
const DEV_KREW = '@im/dev-krew';
const DEV_COMPOSE = '@im/dev-compose';
const DEV_SDK = '@im/dev-sdk';
const DEV_CLUSTER = '@im/dev-cluster';

/** The direction of dependencies: what each package may import of the others. */
export const MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map([
  [PROTOCOL, []],
  [CONTRACT, []],
  [KIT, [PROTOCOL, CONTRACT]],
  [PROCESS, [CONTRACT, KIT]],
  [ADMIN_API, []],
  ...ADAPTERS.map((name): [string, string[]] => [name, [PROTOCOL, ...BASE]]),
  [PUSH_PROVIDERS, [...BASE, '@im/webhooks']],
  [TRACING, [PROTOCOL, ...BASE]],
  [SMS_MAIL, [...BASE, '@im/webhooks']],
  [DEV_STORES, BASE],
  [WEBHOOKS, [PROTOCOL, ...BASE, '@im/bus', '@im/store']],
  [DOMAIN, [PROTOCOL, ...BASE, ...ADAPTERS, WEBHOOKS]],
  [TESTING, [PROTOCOL, ...BASE, ...ADAPTERS, WEBHOOKS, DEV_STORES]],
  ...SERVICES.map((name): [string, string[]] => [
    name,
    [PROTOCOL, ...BASE, ...ADAPTERS, WEBHOOKS, PUSH_PROVIDERS, SMS_MAIL, DOMAIN],
  ]),
  ['@im/api', [PROTOCOL, ...BASE, '@im/rpc', ADMIN_API]],
  [CONSOLE, [ADMIN_API]],
  // A client of the service, with the client and the checker that users have.
  [PROBER, [PROTOCOL, ...BASE, '@im/store', CLIENT, PROOF]],
  [MAIN, [PROTOCOL, ...BASE, ...ADAPTERS, WEBHOOKS, TRACING, ...SERVICES, PROBER]],
  [KUBE, BASE],
  ['@im/operator', [...BASE, KUBE]],
  [CLIENT, [PROTOCOL, ...BASE]],
  [PROOF, [PROTOCOL, ...BASE, '@im/bus', CLIENT]],
  [DEV_KUBERNETES, [...BASE, KUBE, DEV_STORES]],
  [DEV_JAEGER, [...BASE, DEV_STORES, DEV_KUBERNETES]],
  [DEV_PROMETHEUS, [...BASE, DEV_STORES]],
  [DEV_KREW, [DEV_STORES, DEV_KUBERNETES]],
  [DEV_COMPOSE, [DEV_STORES, DEV_KUBERNETES]],
  [DEV_SDK, [PROTOCOL, ...BASE, CLIENT]],
  [DEV_CLUSTER, [PROTOCOL, ...BASE, ADMIN_API, KUBE, CLIENT, MAIN, DEV_STORES, DEV_KUBERNETES, DEV_SDK]],
  // `openimctl dev` starts its own stores, `openimctl bench` its own server: both only in a clone of the repository.
  // `openimctl doctor` looks at stores through the clients that the services have.
  [
    'openimctl',
    [
      PROTOCOL,
      ...BASE,
      '@im/store',
      '@im/bus',
      '@im/blob',
      ADMIN_API,
      MAIN,
      WEBHOOKS,
      KUBE,
      '@im/operator',
      CLIENT,
      PROOF,
      DEV_STORES,
      DEV_CLUSTER,
    ],
  ],
  // Its alerts and dashboards are tried on running processes.
  [
    '@im/e2e',
    [
      PROTOCOL,
      ...BASE,
      ADMIN_API,
      MAIN,
      KUBE,
      '@im/operator',
      CLIENT,
      PROOF,
      DEV_CLUSTER,
      DEV_JAEGER,
      DEV_PROMETHEUS,
      DEV_SDK,
    ],
  ],
]);

/** Tests and benchmarks of any package may start the real store servers, and domains on them. */
const TESTS_MAY_IMPORT: readonly string[] = [PROTOCOL, ...BASE, DEV_STORES, TESTING];

/** What the tests of one package may import in addition. */
const TESTS_OF_MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map([
  [KUBE, [DEV_KUBERNETES]],
  ['@im/operator', [DEV_KUBERNETES, DEV_PROMETHEUS]],
  ['openimctl', [DEV_KUBERNETES]],
  [CONSOLE, [CLIENT, DEV_CLUSTER, DEV_KUBERNETES, DEV_SDK]],
  // Every route and frame of a whole process is tried with tokens of other tenants.
  [MAIN, [CLIENT, ADMIN_API]],
]);

/** Packages that run or describe the development of the repository, used by name alone. */
const USED_BY_NAME: UsedByName = {
  'openim-operator': {
    node: 'the Node that everything runs on, put first in PATH',
    typescript: 'tsc checks the types of the whole repository',
    '@biomejs/biome': 'checks and formats the whole repository',
    esbuild: 'tools/bundle.ts runs it',
    '@types/node': 'types for tsc, named in tsconfig.base.json',
    '@types/ws': 'types for tsc; ws brings none',
  },
  '@im/console': {
    '@types/react': 'types for tsc; react brings none',
    '@types/react-dom': 'types for tsc; react-dom brings none',
  },
};

/** Every import that goes the wrong way, as `file: what is wrong and what to do`. */
export function violations(workspaces: readonly Workspace[], sources: readonly Source[]): string[] {
  const shipped = shippedFiles(workspaces, sources);
  return sources.flatMap(({ path, text }) => {
    const home = homeOf(workspaces, path);
    return importsOf(text).flatMap((specifier) => {
      const fault = faultOf(home, workspaces, path, specifier, shipped.has(path));
      return fault === undefined ? [] : [`${path}: ${fault}`];
    });
  });
}

function faultOf(
  home: Workspace | undefined,
  workspaces: readonly Workspace[],
  path: string,
  specifier: string,
  shipped: boolean,
): string | undefined {
  if (specifier.startsWith('.')) return relativeFault(home, workspaces, path, specifier);
  const name = packageOf(specifier);
  if (name === undefined) return undefined;
  if (!home) return `tools use Node alone, not ${name}`;
  if (!workspaces.some((workspace) => workspace.name === name)) return undefined;
  if (specifier !== name) return `${specifier} reaches into ${name}: import what its index exports`;
  if (name === home.name) return `${name} imports itself by name: use a relative path`;
  const allowed = MAY_IMPORT.get(home.name);
  if (!allowed)
    return `${home.name} has no place in the order of packages: add it to tools/lint-dependencies.ts`;
  if (allowed.includes(name)) return undefined;
  const forTests = [...TESTS_MAY_IMPORT, ...(TESTS_OF_MAY_IMPORT.get(home.name) ?? [])];
  if (!shipped && forTests.includes(name)) return undefined;
  return `${home.name} must not depend on ${name}: protocol, contract <- kit <- process <- rpc, store, bus, blob <- webhooks <- domain <- a service <- main`;
}

function relativeFault(
  home: Workspace | undefined,
  workspaces: readonly Workspace[],
  path: string,
  specifier: string,
): string | undefined {
  const dir = home?.dir ?? 'tools';
  const target = relative('/', resolve('/', dirname(path), specifier));
  const inside = target.startsWith(`${dir}/`) && homeOf(workspaces, target)?.dir === home?.dir;
  return inside ? undefined : `${specifier} leaves ${home?.name ?? 'tools'}`;
}

interface Manifest {
  readonly name: string;
  readonly exports?: Record<string, string>;
  readonly bin?: Record<string, string>;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

/** The workspaces of the repository, from the manifests; the first is the root. */
export function readWorkspaces(root: string, files: readonly string[]): Workspace[] {
  return ['package.json', ...files.filter((file) => file.endsWith('/package.json'))].map((file) => {
    const manifest: Manifest = JSON.parse(readFileSync(join(root, file), 'utf8'));
    const dir = dirname(file);
    const entries = [...Object.values(manifest.exports ?? {}), ...Object.values(manifest.bin ?? {})];
    return {
      name: manifest.name,
      dir,
      declared: new Set(Object.keys(manifest.dependencies ?? {})),
      declaredForDevelopment: new Set(Object.keys(manifest.devDependencies ?? {})),
      entries: entries.map((entry) => join(dir, entry)),
    };
  });
}

/** Every circle of imports, as the path of its files, and how to end one. */
function circleFaults(workspaces: readonly Workspace[], sources: readonly Source[]): string[] {
  return circles(importGraph(workspaces, sources)).map(
    (path) =>
      `${path.join(' -> ')}: a circle of imports, types included: move what one needs of the other to a file that both import`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(import.meta.dirname, '..');
  const files = sourceFiles(root);
  const sources = files
    // The tests of these checks are full of faults on purpose.
    .filter((file) => /\.[cm]?[jt]sx?$/.test(file) && !/^tools\/lint-dependencies.*\.test\.ts$/.test(file))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
  const workspaces = readWorkspaces(root, files);
  const faults = [
    ...violations(workspaces, sources),
    ...manifestFaults(workspaces, sources, USED_BY_NAME),
    ...circleFaults(workspaces, sources),
  ];
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}
