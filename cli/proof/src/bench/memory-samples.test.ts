import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemorySamples } from './memory-samples.ts';

test('the slope is that of the second half, per hour', () => {
  const samples = new MemorySamples();
  const minute = 60_000;
  // Fills up for ten minutes, then grows by 1 a minute; the other process stays as it is.
  for (let i = 0; i < 10; i++) samples.add(i * minute, { a: i * 100, b: 5 });
  for (let i = 10; i < 20; i++) samples.add(i * minute, { a: 1_000 + i, b: 5 });
  const { a = 0, b } = samples.slopes();
  assert.ok(Math.abs(a - 60) < 1e-6, `${a}`);
  assert.equal(b, 0);
});

test('too few samples have no slope', () => {
  const samples = new MemorySamples();
  samples.add(0, { a: 1 });
  assert.deepEqual(samples.slopes(), {});
});
