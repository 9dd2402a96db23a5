import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { FileResult } from './run-file.ts';
import type { SuiteResult } from './summary.ts';

/** What `make lint` checks, and `make test` before all else. */
const CHECKS: readonly {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}[] = [
  { name: 'types', command: 'tsc', args: ['--noEmit', '-p', 'tsconfig.json'] },
  {
    name: 'types of the console',
    command: 'tsc',
    args: ['--noEmit', '-p', 'services/console/tsconfig.json'],
  },
  { name: 'style', command: 'biome', args: ['check', '--error-on-warnings', '.'] },
  { name: 'dependencies', command: 'node', args: ['tools/lint-dependencies.ts'] },
  { name: 'documentation', command: 'node', args: ['tools/docs.ts', '--check'] },
];

/** Runs the checks one after the other; each counts as one test. */
export async function runStaticChecks(root: string): Promise<SuiteResult> {
  const files: FileResult[] = [];
  for (const { name, command, args } of CHECKS) {
    const started = performance.now();
    const { ok, output } = await run(root, command, args);
    files.push({
      file: `static check: ${name}`,
      ms: performance.now() - started,
      passed: ok ? 1 : 0,
      failures: ok ? [] : [{ test: name, error: `${command} ${args.join(' ')} found faults` }],
      skipped: [],
      notes: [],
      output,
    });
  }
  return { name: 'static checks', files };
}

async function run(
  root: string,
  command: string,
  args: readonly string[],
): Promise<{ ok: boolean; output: string }> {
  const child = spawn(join(root, 'node_modules/.bin', command), args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<boolean>((resolve) => {
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
  const [ok, out, err] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
  return { ok, output: `${out}${err}` };
}
