import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { duration, installAll } from './install-all.ts';

test('time is given in seconds, and in minutes when there are many', () => {
  assert.equal(duration(9_400), '9 s');
  assert.equal(duration(119_000), '119 s');
  assert.equal(duration(754_000), '12 min 34 s');
});

test('missing programs are listed before any installation, and impossible ones with their remedy', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'openim-install-'));
  const { PATH, OPENIM_CACHE_DIR } = process.env;
  const said: string[] = [];
  process.env.OPENIM_CACHE_DIR = dir;
  process.env.PATH = dir;
  try {
    const needed = { programs: ['pause', 'kubernetes'] as const, servers: [], nodePackages: false };
    await assert.rejects(
      installAll(needed, (line) => said.push(line)),
      /cannot compile \S+: Go is not on PATH; install Go 1\.26\.0 or newer/,
    );
    assert.match(
      said[0] ?? '',
      /to compile or download, once per machine: pause v1, kubernetes v1\.37\.2 \(~12 minutes/,
    );
    assert.equal(said.length, 1);
  } finally {
    process.env.PATH = PATH;
    if (OPENIM_CACHE_DIR === undefined) delete process.env.OPENIM_CACHE_DIR;
    else process.env.OPENIM_CACHE_DIR = OPENIM_CACHE_DIR;
    await rm(dir, { recursive: true });
  }
});
