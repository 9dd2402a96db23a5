import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_MS, waitAfter } from './schedule.ts';

const plain = (attempts: number, asked = 0) => waitAfter(attempts, asked, 1, () => 0.5);

test('waits grow threefold up to six hours, and a day has a dozen attempts', () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => plain(n)),
    [5_000, 15_000, 45_000, 135_000],
  );
  assert.equal(plain(50), 6 * 3_600_000);
  let [passed, attempts] = [0, 1];
  while (passed + plain(attempts) < DAY_MS) passed += plain(attempts++);
  assert.equal(attempts, 12);
});

test('waits vary by a fifth', () => {
  assert.deepEqual([waitAfter(1, 0, 1, () => 0), waitAfter(1, 0, 1, () => 1)], [4_000, 6_000]);
});

test('the receiver may ask for more, up to six hours, and not for less', () => {
  assert.equal(plain(1, 60_000), 60_000);
  assert.equal(plain(1, 1_000), 5_000);
  assert.equal(plain(1, 1e12), 6 * 3_600_000);
});
