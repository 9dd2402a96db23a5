import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CpuClock } from './cpu-clock.ts';

test('a CPU clock interpolates between its samples and is constant outside', () => {
  const clock = new CpuClock();
  assert.equal(clock.between(0, 10), 0);
  clock.sample(100, 1_000);
  clock.sample(200, 1_050);
  clock.sample(400, 1_050);
  clock.sample(500, 1_150);
  assert.equal(clock.between(100, 200), 50);
  assert.equal(clock.between(150, 200), 25);
  assert.equal(clock.between(200, 400), 0);
  assert.equal(clock.between(150, 450), 75);
  assert.equal(clock.between(0, 1_000), 150);
});
