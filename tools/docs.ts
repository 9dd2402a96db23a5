import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

/**
 * Writes the pages of docs/ that come from code; with `--check` it writes nothing and fails when a page
 * differs from what the code says, or when a link between pages leads nowhere.
 */
const root = join(import.meta.dirname, '..');

/** Pages and the scripts beside the code that print them. */
const GENERATED: Readonly<Record<string, string>> = {
  'docs/reference/config.md': 'services/lib/kit/scripts/config-doc.ts',
  'docs/reference/metrics.md': 'services/lib/kit/scripts/metrics-doc.ts',
  'docs/reference/errors.md': 'services/lib/protocol/scripts/errors-doc.ts',
  'docs/reference/limits.md': 'services/main/scripts/limits-doc.ts',
  'docs/reference/cli.md': 'cli/scripts/cli-doc.ts',
};

/** Scripts that write their page themselves, and compare it with `--check`. */
const WRITERS = ['services/main/scripts/compatibility.ts', 'operator/scripts/crd-types.ts'];

function generate(script: string): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, script)], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${script} failed:\n${stderr}`);
  return stdout;
}

/** Links to files that are not there, as `page: link`. */
function deadLinks(): string[] {
  const below = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' });
  const pages = ['README.md', ...below.filter((path) => path.endsWith('.md')).map((path) => `docs/${path}`)];
  return pages.flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```/g, '');
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
    return targets
      .filter((target) => !/^(https?:|mailto:|#)/.test(target))
      .filter((target) => !existsSync(join(root, normalize(join(dirname(page), target.replace(/#.*$/, ''))))))
      .map((target) => `${page}: there is no ${target}`);
  });
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
if (check) faults.push(...deadLinks());
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
