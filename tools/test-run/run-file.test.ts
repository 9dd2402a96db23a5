import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FileOptions, type FileResult, runFile } from './run-file.ts';
import { describeFile, describeRun } from './summary.ts';

async function run(text: string, options: Partial<FileOptions> = {}): Promise<FileResult> {
  const dir = await mkdtemp(join(tmpdir(), 'im-runner-'));
  try {
    await writeFile(join(dir, 'a.test.mjs'), text);
    return await runFile(dir, 'a.test.mjs', { timeoutMs: 20_000, ...options });
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('tests of a file are counted, failures and skips with their reasons', async () => {
  const result = await run(`
    import { describe, it, test } from 'node:test';
    console.log('seen in the output');
    test('good', (t) => t.diagnostic('took 12 ms'));
    test('bad', () => { throw new Error('why'); });
    test('parent', async (t) => { await t.test('child', () => { throw new Error('inner'); }); });
    test('away', { skip: 'no browser here' }, () => {});
    describe('group', () => { it('inside', () => {}); });
  `);
  assert.equal(result.passed, 2);
  assert.deepEqual(
    result.failures.map((failure) => failure.test),
    ['bad', 'parent > child'],
  );
  assert.match(result.failures[0]?.error ?? '', /why/);
  assert.deepEqual(result.skipped, [{ test: 'away', reason: 'no browser here' }]);
  assert.match(result.output, /seen in the output/);
  assert.deepEqual(result.notes, ['took 12 ms']);
  assert.match(describeFile(result), /\n {4}took 12 ms\n/);

  const text = describeRun([
    {
      name: 'one',
      files: [
        { ...result, ms: 1_000 },
        { ...result, ms: 234 },
      ],
    },
  ]);
  assert.match(text, /one +2 +4 +4 +2 +1\.2 s/);
  assert.match(text, /away \(no browser here\)/);
  assert.match(text, /: bad\n✖ [^\n]+: parent > child\n\n4 passed, 4 failed, 2 skipped$/);
});

test('tests that run at the same time keep their names', async () => {
  const { passed, failures } = await run(`
    import { describe, test } from 'node:test';
    import { setTimeout } from 'node:timers/promises';
    describe('both', { concurrency: 2 }, () => {
      for (const [name, ms] of [['slow', 100], ['quick', 10]]) {
        describe(name, () => {
          test('one', async () => {
            await setTimeout(ms);
            if (name === 'slow') throw new Error('in slow');
          });
        });
      }
    });
  `);
  assert.equal(passed, 1);
  assert.deepEqual(
    failures.map((failure) => failure.test),
    ['both > slow > one'],
  );
});

test('a failing hook is reported with its reason', async () => {
  const { passed, failures } = await run(`
    import { before, describe, test } from 'node:test';
    describe('outer', () => {
      before(() => { throw new Error('no cluster'); });
      test('inner', () => {});
    });
  `);
  assert.equal(passed, 0);
  assert.deepEqual(
    failures.map((failure) => failure.test),
    ['outer > inner', 'outer'],
  );
  assert.match(failures[1]?.error ?? '', /no cluster/);
});

test('a file that breaks, has no tests, or dies is a failure', async () => {
  const broken = await run("throw new Error('at the top');");
  assert.match(broken.failures[0]?.error ?? '', /exited with 1/);
  assert.match(broken.output, /at the top/);
  const empty = await run('export {};');
  assert.equal(empty.failures[0]?.error, 'has no tests');
  const killed = await run(
    "import { test } from 'node:test'; test('x', () => process.kill(process.pid, 'SIGKILL'));",
  );
  assert.match(killed.failures[0]?.error ?? '', /SIGKILL/);
});

const LINGERS = `
  import { after, test } from 'node:test';
  setInterval(() => {}, 1_000);
  after(() => console.log('cleaned up'));
  test('quick', () => {});`;

test('a file that does not end is ended, with the name of the test that hung if one did', async () => {
  const [hung, lingered] = await Promise.all([
    run(
      `import { test } from 'node:test';
       setInterval(() => {}, 1_000);
       test('quick', () => {});
       test('stuck', () => new Promise(() => {}));`,
      { timeoutMs: 10_000 },
    ),
    run(LINGERS, { timeoutMs: 10_000 }),
  ]);
  assert.equal(hung.passed, 1);
  assert.match(hung.failures[0]?.error ?? '', /longer than 10 s; unfinished: stuck/);
  assert.equal(lingered.passed, 1);
  assert.match(lingered.failures[0]?.error ?? '', /longer than 10 s; every test had ended/);
});

test('a file that is to end with its last test does, after its hooks', async () => {
  const result = await run(LINGERS, { forceExit: true });
  assert.deepEqual([result.passed, result.failures], [1, []]);
  assert.match(result.output, /cleaned up/);
});

test('processes that a file leaves running are ended with it', async () => {
  const result = await run(
    `import { spawn } from 'node:child_process';
     import { test } from 'node:test';
     test('spawns', () => {
       const child = spawn('sleep', ['60'], { stdio: 'ignore' });
       child.unref();
       console.log('left ' + child.pid);
     });`,
  );
  assert.equal(result.passed, 1);
  const pid = Number(/left (\d+)/.exec(result.output)?.[1]);
  assert.ok(pid > 0);
  for (let i = 0; i < 50 && isAlive(pid); i++) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(isAlive(pid), false);
});

/** Whether a process runs; a zombie is not running. */
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
