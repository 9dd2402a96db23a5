import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { heapProbe } from './live-heap.ts';

const MEGABYTES = 32;

/** Live heap of a process that has run this code, bytes. */
async function liveBytesOf(code: string): Promise<number> {
  const probe = await heapProbe();
  const child = spawn(
    process.execPath,
    [probe.flag, '-e', `${code}; console.log('ready'); setInterval(() => {}, 60_000)`],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  try {
    await once(child.stdout, 'data');
    return await probe.liveBytes();
  } finally {
    child.kill('SIGKILL');
  }
}

test('what a process keeps counts as its live heap, inside and outside of V8, and garbage does not', async () => {
  const bytes = MEGABYTES * 1_048_576;
  const idle = await liveBytesOf('');
  const garbage = await liveBytesOf(`for (let i = 0; i < ${MEGABYTES}; i++) Buffer.alloc(1_048_576)`);
  const buffers = await liveBytesOf(`globalThis.kept = Buffer.alloc(${bytes})`);
  const numbers = await liveBytesOf(
    `globalThis.kept = Array.from({ length: ${bytes / 8} }, (_, i) => i + 0.5)`,
  );
  assert.ok(garbage - idle < bytes / 2, `garbage ${garbage - idle}`);
  assert.ok(buffers - idle >= bytes, `buffers ${buffers - idle}`);
  assert.ok(numbers - idle >= bytes, `numbers ${numbers - idle}`);
});
