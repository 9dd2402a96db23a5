import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findCondition, setCondition, withAllConditions } from './conditions.ts';

const FIRST = new Date('2026-01-01T10:00:00.123Z');
const LATER = new Date('2026-01-01T11:00:00.456Z');

test('the transition time moves only when the status flips', () => {
  const update = { type: 'Ready', status: 'False', reason: 'Starting', message: 'two pods to come' } as const;
  const first = setCondition([], { ...update, observedGeneration: 1 }, FIRST);
  assert.deepEqual(first, [{ ...update, observedGeneration: 1, lastTransitionTime: '2026-01-01T10:00:00Z' }]);

  const second = setCondition(first, { ...update, message: 'one pod to come', observedGeneration: 2 }, LATER);
  assert.equal(second[0]?.lastTransitionTime, '2026-01-01T10:00:00Z');
  assert.equal(second[0]?.message, 'one pod to come');
  assert.equal(second[0]?.observedGeneration, 2);
  assert.equal(first[0]?.message, 'two pods to come', 'the given list is left alone');

  const third = setCondition(second, { ...update, status: 'True', reason: 'Up', message: '' }, LATER);
  assert.equal(third[0]?.lastTransitionTime, '2026-01-01T11:00:00Z');
});

test('the first visit names every type, in order, and keeps what is known', () => {
  const known = setCondition([], { type: 'B', status: 'True', reason: 'Up', message: '' }, FIRST);
  const gone = setCondition(known, { type: 'Z', status: 'True', reason: 'Up', message: '' }, FIRST);
  const all = withAllConditions(gone, ['A', 'B'], 7, LATER);
  assert.deepEqual(
    all.map(({ type, status }) => [type, status]),
    [
      ['A', 'Unknown'],
      ['B', 'True'],
    ],
  );
  assert.equal(findCondition(all, 'A')?.observedGeneration, 7);
  assert.equal(findCondition(all, 'B')?.lastTransitionTime, '2026-01-01T10:00:00Z');
  assert.equal(findCondition(undefined, 'B'), undefined);
});
