import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { EXIT } from '../src/exit-codes.ts';
import { shellWords } from './documented-commands.ts';
import { type Dev, run, startDev } from './openimctl.ts';

/** Fifteen programs one after the other, on a machine with other work. */
const LONG_MS = 600_000;
const PAGE = new URL('../../docs/first-tasks.md', import.meta.url);

/** A command of the page, and the lines that follow it. */
interface Documented {
  readonly command: string;
  readonly output: readonly string[];
}

function documented(page: string): Documented[] {
  const blocks = [...page.matchAll(/```console\n([\s\S]*?)```/g)].map(([, block = '']) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((part) => {
        const [command = '', ...output] = part.trimEnd().split('\n');
        return { command, output };
      }),
  );
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What output must look like: `…` is anything within a line, and a line of nothing else any number of lines. */
function patternOf(output: readonly string[]): RegExp {
  const lines = output.map((line) =>
    line === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(escaped).join('.*')}\\n`,
  );
  return new RegExp(`^${lines.join('')}$`);
}

const dir = mkdtempSync(join(tmpdir(), 'im-first-tasks-'));
let dev: Dev;
before(async () => {
  dev = await startDev(join(dir, '.dev'));
});
after(async () => {
  await dev?.end('SIGTERM');
  rmSync(dir, { recursive: true, force: true });
});

test('the ten common tasks print what their page says', { timeout: LONG_MS }, async () => {
  const tasks = documented(readFileSync(PAGE, 'utf8'));
  assert.ok(tasks.length >= 10);
  for (const { command, output } of tasks) {
    const [program, ...args] = shellWords(command);
    assert.equal(program, 'openimctl');
    const { code, stdout, stderr } = await run(args, { cwd: dir });
    assert.equal(code, EXIT.ok, `${command}: ${stderr}`);
    assert.match(stdout, patternOf(output), command);
  }
});
