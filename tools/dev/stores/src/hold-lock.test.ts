import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { holdLock, LockHeldError, lockDirectory, tryLock } from './hold-lock.ts';

const unique = (): string => `test ${process.pid} ${Math.random()}`;

/** A process that holds the lock until it is killed. */
async function holderProcess(name: string): Promise<{ pid: number; kill(): void }> {
  const code = `import { tryLock } from ${JSON.stringify(join(import.meta.dirname, 'hold-lock.ts'))};
    await tryLock(${JSON.stringify(name)}); console.log('held'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  return { pid: child.pid ?? 0, kill: () => void child.kill('SIGKILL') };
}

test('a lock excludes others until it is released', async () => {
  const name = unique();
  const first = await tryLock(name);
  await assert.rejects(tryLock(name), LockHeldError);
  await first.release();
  await first.release();
  await using second = await tryLock(name);
  assert.ok(second);
});

test('a lock held by another process names that process and is free as soon as it is killed', async () => {
  const name = unique();
  const holder = await holderProcess(name);
  await assert.rejects(tryLock(name), (error: LockHeldError) => {
    assert.equal(error.holder, holder.pid);
    assert.match(error.message, new RegExp(`in use by process ${holder.pid}`));
    return true;
  });
  const waitedFor: number[] = [];
  const onWait = (pid: number) => {
    waitedFor.push(pid);
    holder.kill();
  };
  await using lock = await holdLock(name, { onWait });
  assert.ok(lock);
  assert.deepEqual(waitedFor, [holder.pid]);
});

test('many waiters get the lock one after another', async () => {
  const name = unique();
  let inside = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 20 }, async () => {
      await using _lock = await holdLock(name);
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inside--;
    }),
  );
  assert.equal(most, 1);
});

test('waiting ends with its signal', async () => {
  const name = unique();
  await using _held = await tryLock(name);
  await assert.rejects(holdLock(name, { signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' });
});

test('a folder is one folder by any path', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'openim-lock-'));
  try {
    await using _lock = await lockDirectory(dir);
    await assert.rejects(
      lockDirectory(`${dir}/../${dir.split('/').at(-1)}`),
      (error: Error) => error instanceof LockHeldError && error.message.includes(dir),
    );
  } finally {
    await rm(dir, { recursive: true });
  }
});
