import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { anchorsOf, linksIn, pathsIn } from './page-references.ts';

/**
 * Writes the pages of docs/ that come from code, and the types that come from schemas. With `--check` it writes nothing,
 * and fails when one of them differs from its source, when a link between pages leads nowhere, or when a page for
 * contributors names a file that does not exist.
 */
const root = join(import.meta.dirname, '..');

/** Pages and the scripts, next to the code, that print them. */
const GENERATED: Readonly<Record<string, string>> = {
  'docs/reference/config.md': 'services/lib/contract/scripts/config-doc.ts',
  'docs/reference/metrics.md': 'services/lib/process/scripts/metrics-doc.ts',
  'docs/reference/errors.md': 'services/lib/protocol/scripts/errors-doc.ts',
  'docs/reference/limits.md': 'services/main/scripts/limits-doc.ts',
  'docs/reference/cli.md': 'cli/scripts/cli-doc.ts',
  'docs/reference/operator.md': 'operator/scripts/operator-doc.ts',
  'docs/protocol/webhooks.md': 'services/lib/webhooks/scripts/webhooks-doc.ts',
  'docs/reference/admin-api.md': 'services/lib/admin-api/scripts/admin-api-doc.ts',
  'docs/reference/packages.md': 'tools/packages-doc.ts',
};

/** Scripts that write their pages or types themselves, and compare them with `--check`. */
const WRITERS = [
  'services/lib/protocol/scripts/generate.ts',
  'services/main/scripts/compatibility.ts',
  'services/main/scripts/role-settings.ts',
  'operator/scripts/crd-types.ts',
  'services/console/scripts/operations.ts',
];

function generate(script: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, script)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script} failed:\n${stderr}`);
  return stdout;
}

/** Every page at the root and below docs/. */
function pages(): string[] {
  const atRoot = readdirSync(root).filter((path) => path.endsWith('.md'));
  const below = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  return [...atRoot, ...below.filter((path) => path.endsWith('.md')).map((path) => `docs/${path}`)];
}

/** Links to missing files or headings, as `page: link`. */
function deadLinks(): string[] {
  return pages().flatMap((page) =>
    linksIn(readFileSync(join(root, page), 'utf8'))
      .filter((target) => !/^(https?:|mailto:)/.test(target) && !leadsSomewhere(page, target))
      .map((target) => `${page}: there is no ${target}`),
  );
}

function leadsSomewhere(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(root, page) : join(root, normalize(join(dirname(page), path)));
  if (!existsSync(file)) return false;
  return anchor === undefined || !file.endsWith('.md') || anchorsOf(readFileSync(file, 'utf8')).has(anchor);
}

/** Missing files that pages for contributors name. */
function missingFiles(): string[] {
  return pages()
    .filter((page) => page === 'CONTRIBUTING.md' || page.startsWith('docs/develop/'))
    .flatMap((page) =>
      pathsIn(readFileSync(join(root, page), 'utf8'))
        .filter((path) => !existsSync(join(root, path)))
        .map((path) => `${page} names ${path}, which does not exist: name the file that took its place`),
    );
}

const check = process.argv.includes('--check');
const faults: string[] = [];
for (const [page, script] of Object.entries(GENERATED)) {
  const file = join(root, page);
  const text = generate(script);
  if (!check) writeFileSync(file, text);
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
    faults.push(`${page} is not what ${script} prints: run make docs`);
  }
}
for (const script of WRITERS) {
  const args = [join(root, script), ...(check ? ['--check'] : [])];
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) faults.push(stderr.trim());
}
if (check) faults.push(...deadLinks(), ...missingFiles());
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
