import { homeOf, packagesOf, type Source, shippedFiles, type Workspace } from './source.ts';

/** Packages that a workspace declares without importing them, and why: by workspace, then by package. */
export type UsedByName = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * Every package that a manifest lacks, declares in the wrong place or declares without use: shipped files need
 * `dependencies`; packages that only tests, benchmarks and scripts use belong to `devDependencies`.
 */
export function manifestFaults(
  workspaces: readonly Workspace[],
  sources: readonly Source[],
  usedByName: UsedByName,
): string[] {
  const uses = usesOf(workspaces, sources);
  return workspaces.flatMap((workspace) => {
    const used = uses.get(workspace.name) ?? new Map();
    const byName = usedByName[workspace.name] ?? {};
    const misplaced = [...used].flatMap(([name, use]) => placeFault(workspace, name, use) ?? []);
    const declared = new Set([...workspace.declared, ...workspace.declaredForDevelopment]);
    const manifest = `${workspace.dir}/package.json`;
    const inVain = [...declared]
      .filter((name) => !used.has(name) && byName[name] === undefined)
      .map((name) => `${manifest}: nothing uses ${name}: remove it`);
    const twice = [...workspace.declared]
      .filter((name) => workspace.declaredForDevelopment.has(name))
      .map((name) => `${manifest}: ${name} is declared twice: remove it from devDependencies`);
    const needless = Object.keys(byName)
      .filter((name) => used.has(name) || !declared.has(name))
      .map((name) => `${manifest}: ${name} needs no exception: remove it from tools/lint-dependencies.ts`);
    return [...misplaced, ...twice, ...inVain, ...needless];
  });
}

/** A file that uses a package; a shipped one if there is any. */
interface Use {
  readonly path: string;
  readonly shipped: boolean;
}

function usesOf(workspaces: readonly Workspace[], sources: readonly Source[]): Map<string, Map<string, Use>> {
  const shipped = shippedFiles(workspaces, sources);
  const uses = new Map<string, Map<string, Use>>();
  for (const source of sources) {
    const { path } = source;
    const home = homeOf(workspaces, path);
    if (!home) continue;
    const used = uses.get(home.name) ?? new Map<string, Use>();
    uses.set(home.name, used);
    for (const name of packagesOf(workspaces, source)) {
      if (name === home.name || used.get(name)?.shipped) continue;
      if (shipped.has(path) || !used.has(name)) used.set(name, { path, shipped: shipped.has(path) });
    }
  }
  return uses;
}

function placeFault(workspace: Workspace, name: string, { path, shipped }: Use): string | undefined {
  const manifest = `${workspace.dir}/package.json`;
  const declared = workspace.declared.has(name);
  const forDevelopment = workspace.declaredForDevelopment.has(name);
  if (shipped && declared) return undefined;
  if (!shipped && forDevelopment) return undefined;
  if (shipped && forDevelopment) return `${path}: ${name} is shipped: move it to dependencies of ${manifest}`;
  if (declared) return `${path}: only development uses ${name}: move it to devDependencies of ${manifest}`;
  const place = shipped ? 'dependencies' : 'devDependencies';
  return `${path}: ${name} is not declared: add it to ${place} of ${manifest}`;
}
