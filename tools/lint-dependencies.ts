import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sourceFiles } from './source-files.ts';

/** What the check knows of a workspace. */
export interface Workspace {
  /** Package name, such as `@im/kit`. */
  readonly name: string;
  /** Folder, relative to the root of the repository. */
  readonly dir: string;
  /** Packages that its manifest declares. */
  readonly declared: ReadonlySet<string>;
  /** Those that it declares for its tests alone. */
  readonly declaredForTests: ReadonlySet<string>;
}

/** One source file. */
export interface Source {
  /** Path relative to the root of the repository. */
  readonly path: string;
  readonly text: string;
}

const PROTOCOL = '@im/protocol';
const KIT = '@im/kit';
const BACKENDS = '@im/backends';
const ADAPTERS = ['@im/rpc', '@im/store', '@im/bus', '@im/blob'];
const SERVICES = ['gateway', 'api', 'auth', 'user', 'msg', 'conversation', 'group', 'relation', 'third']
  .concat(['transfer', 'push', 'cron'])
  .map((name) => `@im/${name}`);
const MAIN = '@im/main';
const KUBE = '@im/kube';
const TEST_KUBERNETES = '@im/test-kubernetes';

/** The direction of dependencies: what each package may import of the others. */
export const MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map([
  [PROTOCOL, []],
  [KIT, [PROTOCOL]],
  ...ADAPTERS.map((name): [string, string[]] => [name, [PROTOCOL, KIT]]),
  [BACKENDS, [KIT]],
  ...SERVICES.map((name): [string, string[]] => [name, [PROTOCOL, KIT, ...ADAPTERS]]),
  [MAIN, [PROTOCOL, KIT, ...ADAPTERS, ...SERVICES]],
  [TEST_KUBERNETES, [KIT, BACKENDS]],
  [KUBE, [KIT]],
  ['@im/e2e', [PROTOCOL, KIT, '@im/bus', BACKENDS, MAIN, KUBE, TEST_KUBERNETES]],
  ['@im/operator', [KIT, KUBE]],
  ['openimctl', [PROTOCOL, KIT, BACKENDS, MAIN, KUBE, '@im/operator', '@im/e2e']],
]);

/** Tests and benchmarks of any package may start the real store servers. */
const TESTS_MAY_IMPORT: readonly string[] = [PROTOCOL, KIT, BACKENDS];

/** What the tests of one package may import besides. */
const TESTS_OF_MAY_IMPORT: ReadonlyMap<string, readonly string[]> = new Map([
  [KUBE, [TEST_KUBERNETES]],
  ['@im/operator', [TEST_KUBERNETES]],
]);

/** `import 'x'`, `import … from 'x'`, `export … from 'x'` at the start of a line, and `import('x')` anywhere. */
const IMPORT =
  /^\s*import\s*['"]([^'"]+)['"]|^\s*(?:import|export)\s+(?:type\s+)?[\w$*\s{},]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;

/** The modules that a source file imports, types included. */
export function importsOf(text: string): string[] {
  const withoutComments = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...withoutComments.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** Every import that goes the wrong way, as `file: what is wrong and what to do`. */
export function violations(workspaces: readonly Workspace[], sources: readonly Source[]): string[] {
  const installed = new Set(
    workspaces.flatMap(({ declared, declaredForTests }) => [...declared, ...declaredForTests]),
  );
  const found: string[] = [];
  for (const source of sources) {
    const home = homeOf(workspaces, source.path);
    for (const specifier of importsOf(source.text)) {
      const fault = faultOf(home, workspaces, installed, source.path, specifier);
      if (fault) found.push(`${source.path}: ${fault}`);
    }
  }
  return found;
}

/** A workspace may lie inside another: the innermost one is a file's home. */
function homeOf(workspaces: readonly Workspace[], path: string): Workspace | undefined {
  return workspaces
    .filter(({ dir }) => path.startsWith(`${dir}/`))
    .reduce<Workspace | undefined>(
      (innermost, next) => (innermost && innermost.dir.length > next.dir.length ? innermost : next),
      undefined,
    );
}

function faultOf(
  home: Workspace | undefined,
  workspaces: readonly Workspace[],
  installed: ReadonlySet<string>,
  path: string,
  specifier: string,
): string | undefined {
  // A leading slash is the address of a module that a page in a browser loads.
  if (specifier.startsWith('node:') || specifier.startsWith('/')) return undefined;
  if (specifier.startsWith('.')) return relativeFault(home, workspaces, path, specifier);
  const parts = specifier.split('/');
  const name = parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
  if (!home) return `tools use Node alone, not ${name}`;
  const isTest = /\.test\.ts$|\/(?:test|bench|suites)\//.test(path);
  if (!workspaces.some((workspace) => workspace.name === name)) {
    // Tests may talk to a server with the client package of whoever uses it for good.
    if (home.declared.has(name) || (isTest && installed.has(name))) return undefined;
    if (home.name === '@im/e2e' && home.declaredForTests.has(name)) return undefined;
    return `${name} is not among the dependencies of ${home.name}`;
  }
  if (specifier !== name) return `${specifier} reaches into ${name}: import what its index exports`;
  if (name === home.name) return `${name} imports itself by name: use a relative path`;
  const allowed = MAY_IMPORT.get(home.name);
  if (!allowed)
    return `${home.name} has no place in the order of packages: add it to tools/lint-dependencies.ts`;
  if (allowed.includes(name)) return undefined;
  const forTests = [...TESTS_MAY_IMPORT, ...(TESTS_OF_MAY_IMPORT.get(home.name) ?? [])];
  if (isTest && forTests.includes(name)) return undefined;
  return `${home.name} must not depend on ${name}: protocol <- kit <- rpc, store, bus, blob <- a service <- main`;
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
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
}

/** The workspaces of the repository, from the manifests. */
export function readWorkspaces(root: string, files: readonly string[]): Workspace[] {
  return files
    .filter((file) => file.endsWith('/package.json'))
    .map((file) => {
      const manifest: Manifest = JSON.parse(readFileSync(join(root, file), 'utf8'));
      return {
        name: manifest.name,
        dir: dirname(file),
        declared: new Set(Object.keys(manifest.dependencies ?? {})),
        declaredForTests: new Set(Object.keys(manifest.devDependencies ?? {})),
      };
    });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const root = join(import.meta.dirname, '..');
  const files = sourceFiles(root);
  const sources = files
    // This check's own test is full of planted faults.
    .filter((file) => /\.[cm]?[jt]s$/.test(file) && file !== 'tools/lint-dependencies.test.ts')
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
  const faults = violations(readWorkspaces(root, files), sources);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}
