import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker } from './breaker.ts';

function started() {
  let now = 0;
  const breaker = new Breaker({ failures: 3, now: () => now, random: () => 0.5 });
  const fail = (times: number) => {
    for (let n = 0; n < times; n++) breaker.failed();
  };
  return { breaker, fail, pass: (ms: number) => (now += ms) };
}

test('opens after failures in a row, and only then', () => {
  const { breaker, fail } = started();
  fail(2);
  breaker.succeeded();
  fail(2);
  assert.equal(breaker.mayCall(), true);
  fail(1);
  assert.equal(breaker.mayCall(), false);
});

test('lets one call try, and waits twice as long after each failure', () => {
  const { breaker, fail, pass } = started();
  fail(3);
  pass(999);
  assert.equal(breaker.mayCall(), false);
  pass(1);
  assert.deepEqual([breaker.mayCall(), breaker.mayCall()], [true, false]);
  breaker.failed();
  pass(1_999);
  assert.equal(breaker.mayCall(), false);
  pass(1);
  assert.equal(breaker.mayCall(), true);
  breaker.succeeded();
  assert.deepEqual([breaker.mayCall(), breaker.mayCall(), breaker.open], [true, true, false]);
});

test('a call that was given up leaves the next one to try', () => {
  const { breaker, fail, pass } = started();
  fail(3);
  pass(1_000);
  assert.equal(breaker.mayCall(), true);
  breaker.dropped();
  assert.equal(breaker.mayCall(), true);
});

test('late failures of calls from before do not lengthen the wait', () => {
  const { breaker, fail, pass } = started();
  fail(9);
  pass(1_000);
  assert.equal(breaker.mayCall(), true);
});
