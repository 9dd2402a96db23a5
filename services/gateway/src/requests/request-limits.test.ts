import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestBytes } from './request-limits.ts';

const MIB = 1_048_576;
const limits = { bytesPerSecond: MIB, byteBurst: 4 * MIB };

test('a burst is looked at at once, what comes behind it at the rate', () => {
  let at = 1_000;
  const bytes = new RequestBytes(limits, () => at);
  for (let n = 0; n < 4; n++) assert.equal(bytes.take('a', MIB), 0);
  assert.equal(bytes.take('a', MIB), 1_000);
  assert.equal(bytes.take('a', MIB), 2_000);
  assert.equal(bytes.take('b', MIB), 0, 'another user waits for nothing');
  at = 4_000;
  assert.equal(bytes.take('a', MIB), 0, 'what was asked for is paid off');
  at = 60_000;
  assert.equal(bytes.take('a', 4 * MIB), 0, 'and the burst comes back');
});

test('no request waits longer than 10 s, and none without a limit', () => {
  const bytes = new RequestBytes(limits, () => 0);
  for (let n = 0; n < 100; n++) bytes.take('a', MIB);
  assert.equal(bytes.take('a', MIB), 10_000);
  bytes.configure({ bytesPerSecond: 0, byteBurst: 1 });
  assert.equal(bytes.take('a', MIB), 0);
});

test('a bounded number of users is remembered', () => {
  const bytes = new RequestBytes(limits);
  for (let n = 0; n < 20_010; n++) bytes.take(`u${n}`, 1);
  assert.equal(bytes.size, 20_000);
});
