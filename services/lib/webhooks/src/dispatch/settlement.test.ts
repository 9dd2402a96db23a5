import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Settlement } from './settlement.ts';

function settled(deliveries: number, mayComeAgain = () => true) {
  const answers: unknown[] = [];
  const entry = {
    done: () => void answers.push('done'),
    again: (delayMs: number) => void answers.push(delayMs),
  };
  return { answers, settlement: new Settlement(entry, deliveries, mayComeAgain) };
}

test('a record is done when all its deliveries are', () => {
  const { answers, settlement } = settled(2);
  settlement.done();
  assert.deepEqual(answers, []);
  settlement.done();
  assert.deepEqual(answers, ['done']);
});

test('a record comes again if one of its deliveries is to, once the others have ended', () => {
  const { answers, settlement } = settled(2);
  settlement.again(5_000, 'failed');
  assert.deepEqual(answers, []);
  settlement.done();
  assert.deepEqual(answers, [5_000]);
});

test('a record that has come too often is given up', () => {
  const outcomes: string[] = [];
  const { answers, settlement } = settled(1, (...outcome: string[]) => {
    outcomes.push(...outcome);
    return false;
  });
  settlement.again(5_000, 'not stored in time');
  assert.deepEqual([answers, outcomes], [['done'], ['not stored in time']]);
});
