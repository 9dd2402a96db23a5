// Prints docs/reference/packages.md from the manifests and the order of packages that `make lint` holds.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MAY_IMPORT, readWorkspaces } from './lint-dependencies.ts';
import { directImports, packageGroups } from './package-graph.ts';
import { sourceFiles } from './source-files.ts';

const root = join(import.meta.dirname, '..');
const workspaces = readWorkspaces(root, sourceFiles(root));
const groups = packageGroups(workspaces, MAY_IMPORT);

const short = (name: string) => name.replace(/^@im\//, '');
const list = (names: readonly string[]) => names.map((name) => `\`${short(name)}\``).join(', ') || '–';

function descriptionOf(dir: string): string {
  const manifest: { readonly description?: string } = JSON.parse(
    readFileSync(join(root, dir, 'package.json'), 'utf8'),
  );
  return manifest.description ?? '';
}

const lines = [
  '# Packages',
  '',
  'An arrow says "may import"; what follows from other arrows is left out. `make lint` refuses every import that goes',
  'another way ([tools/lint-dependencies.ts](../../tools/lint-dependencies.ts)); a package is imported by its name, and',
  'only what its `index.ts` exports. Tests may also start store servers; what else they may import is in the same file.',
  '',
  '```mermaid',
  'flowchart TD',
  ...groups.map(({ packages }, i) => `  g${i}["${packages.map(short).join(' · ')}"]`),
  ...directImports(groups).map(([from, to]) => `  g${from} --> g${to}`),
  '```',
  '',
  'Names are without `@im/`.',
  '',
  '| package | folder | what it is | may import |',
  '|---|---|---|---|',
  ...groups.flatMap(({ packages, imports }) =>
    packages.map((name) => {
      const { dir = '' } = workspaces.find((workspace) => workspace.name === name) ?? {};
      return `| \`${short(name)}\` | [${dir}](../../${dir}) | ${descriptionOf(dir)} | ${list(imports)} |`;
    }),
  ),
];
process.stdout.write(`${lines.join('\n')}\n`);
