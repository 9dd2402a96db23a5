import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';

/** The output shown by an installer that runs this code, until it makes the file `first`, and while it is waited for. */
async function seen(installer: string): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'openim-installer-'));
  try {
    const script = join(root, 'tools/dev/kubernetes/scripts/install.ts');
    await mkdir(dirname(script), { recursive: true });
    const first = join(root, 'first');
    await writeFile(
      script,
      `import { writeFileSync } from 'node:fs';
       const first = () => writeFileSync(${JSON.stringify(first)}, '');
       ${installer}`,
    );
    const code = `
      import { existsSync } from 'node:fs';
      import { beginInstallation } from ${JSON.stringify(join(import.meta.dirname, 'program-installer.ts'))};
      const installation = beginInstallation(${JSON.stringify(root)});
      while (!existsSync(${JSON.stringify(first)})) await new Promise((resolve) => setTimeout(resolve, 20));
      // What was written before is in the pipe.
      await new Promise((resolve) => setTimeout(resolve, 200));
      console.error('waiting');
      await installation.finished();
      console.error('over');`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    return await text(child.stderr);
  } finally {
    await rm(root, { recursive: true });
  }
}

test('progress is shown only while a caller waits for it', async () => {
  const output = await seen(`
    console.error('to compile: a, b');
    console.error('[a] compiling (2 s)');
    first();
    setTimeout(() => console.error('[b] compiling (3 s)'), 3_000);`);
  assert.equal(output, 'to compile: a, b\nwaiting\n[b] compiling (3 s)\nover\n');
});

test('a failure is reported and ends the wait', async () => {
  const output = await seen(`console.error('Go is not on PATH'); first(); process.exitCode = 1;`);
  assert.equal(output, 'Go is not on PATH\nwaiting\nover\n');
});
