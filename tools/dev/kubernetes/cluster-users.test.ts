import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ClusterUsers } from './cluster-users.ts';
import { processStat } from './process-stat.ts';

async function withDir(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'openim-users-'));
  try {
    await use(join(dir, 'users'));
  } finally {
    await rm(dir, { recursive: true });
  }
}

test('the last user of a cluster that tests brought up stops it', () =>
  withDir(async (dir) => {
    const [first, second] = [new ClusterUsers(dir), new ClusterUsers(dir)];
    await first.enter();
    await first.noteBroughtUp();
    await second.enter();
    assert.equal(await first.leave(), false);
    assert.equal(await second.leave(), true);
  }));

test('a cluster that was up before, or is to be kept, is not stopped', () =>
  withDir(async (dir) => {
    const guest = new ClusterUsers(dir);
    await guest.enter();
    assert.equal(await guest.leave(), false);
    await guest.enter();
    await guest.noteBroughtUp();
    await new ClusterUsers(dir).keep();
    assert.equal(await guest.leave(), false);
  }));

test('a user that ended without leaving does not count, one that lives does', () =>
  withDir(async (dir) => {
    const child = spawn('sleep', ['60']);
    const identity = await processStat(child.pid ?? 0);
    const user = new ClusterUsers(dir);
    await user.enter();
    await user.noteBroughtUp();
    await writeFile(join(dir, 'other.json'), JSON.stringify(identity));
    assert.equal(await user.leave(), false);
    child.kill('SIGKILL');
    await once(child, 'exit');
    await user.enter();
    assert.equal(await user.leave(), true);
  }));
