import { dirname, join } from 'node:path';

/** What the checks know of a workspace. */
export interface Workspace {
  /** Package name, such as `@im/kit`. */
  readonly name: string;
  /** Folder, relative to the root of the repository; `.` is the root itself. */
  readonly dir: string;
  /** Packages that its manifest declares. */
  readonly declared: ReadonlySet<string>;
  /** Those that it declares for development alone: tests, benchmarks, scripts. */
  readonly declaredForDevelopment: ReadonlySet<string>;
  /** Files that its manifest names as its exports and programs, relative to the root of the repository. */
  readonly entries: readonly string[];
}

/** One source file. */
export interface Source {
  /** Path relative to the root of the repository. */
  readonly path: string;
  readonly text: string;
}

/** The files that each file imports, types included, in the order of the imports. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/** `import 'x'`, `import … from 'x'`, `export … from 'x'` at the start of a line, and `import('x')` anywhere. */
const IMPORT =
  /^\s*import\s*['"]([^'"]+)['"]|^\s*(?:import|export)\s+(?:type\s+)?[\w$*\s{},]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm;

/** `require('x')` and `require.resolve('x')`. */
const REQUIRE = /\brequire(?:\.resolve)?\(\s*['"]([^'"]+)['"]\s*\)/g;

/** Files that a module starts as a process or a worker, by their place relative to it. */
const STARTED = /\bnew URL\(\s*['"](\.[^'"]+\.[cm]?[jt]s)['"]\s*,\s*import\.meta\.url\s*\)/g;

function matches(text: string, pattern: RegExp): string[] {
  const withoutComments = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...withoutComments.matchAll(pattern)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
}

/** The modules that a source file imports, types included. */
export function importsOf(text: string): string[] {
  return matches(text, IMPORT);
}

/** The package that a specifier names; undefined for a file, a module of Node and an address in a browser. */
export function packageOf(specifier: string): string | undefined {
  if (/^(?:node:|\.|\/)/.test(specifier)) return undefined;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

/** The workspace that a file belongs to. One may lie inside another: the innermost is its home. */
export function homeOf(workspaces: readonly Workspace[], path: string): Workspace | undefined {
  return workspaces
    .filter(({ dir }) => path.startsWith(`${dir}/`))
    .reduce<Workspace | undefined>(
      (innermost, next) => (innermost && innermost.dir.length > next.dir.length ? innermost : next),
      undefined,
    );
}

/** The packages that a source file imports, looks up, or starts a file of. */
export function packagesOf(workspaces: readonly Workspace[], { path, text }: Source): Set<string> {
  const named = [...importsOf(text), ...matches(text, REQUIRE)].map(packageOf);
  const started = matches(text, STARTED).map((file) => homeOf(workspaces, join(dirname(path), file))?.name);
  return new Set([...named, ...started].filter((name) => name !== undefined));
}

/** Which file imports which; a package of the repository stands for the files that it exports. */
export function importGraph(workspaces: readonly Workspace[], sources: readonly Source[]): ImportGraph {
  const known = new Set(sources.map(({ path }) => path));
  const entriesOf = new Map(workspaces.map(({ name, entries }) => [name, entries]));
  return new Map(
    sources.map(({ path, text }) => {
      const targets = importsOf(text).flatMap((specifier) =>
        specifier.startsWith('.')
          ? [join(dirname(path), specifier)]
          : (entriesOf.get(packageOf(specifier) ?? '') ?? []),
      );
      return [path, [...new Set(targets)].filter((target) => known.has(target))];
    }),
  );
}

/**
 * The files that run outside development: all below `src/` and `bin/` that are not tests, the entries of a
 * workspace, and what these import or start in their own workspace.
 */
export function shippedFiles(workspaces: readonly Workspace[], sources: readonly Source[]): Set<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const entries = new Set(workspaces.flatMap((workspace) => workspace.entries));
  const shipped = new Set<string>();
  const visit = (path: string, home: Workspace) => {
    const source = byPath.get(path);
    if (!source || shipped.has(path) || homeOf(workspaces, path) !== home) return;
    shipped.add(path);
    for (const specifier of [...importsOf(source.text), ...matches(source.text, STARTED)]) {
      if (specifier.startsWith('.')) visit(join(dirname(path), specifier), home);
    }
  };
  for (const { path } of sources) {
    const home = homeOf(workspaces, path);
    if (!home) continue;
    const isCode = /^(?:src|bin)\//.test(path.slice(home.dir.length + 1)) && !/\.test\.ts$/.test(path);
    if (isCode || entries.has(path)) visit(path, home);
  }
  return shipped;
}
