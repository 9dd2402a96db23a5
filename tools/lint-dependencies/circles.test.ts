import assert from 'node:assert/strict';
import { test } from 'node:test';
import { circles } from './circles.ts';

const circlesOf = (files: Record<string, string[]>) =>
  circles(new Map(Object.entries(files))).map((path) => path.join(' '));

test('a tree has no circle, and neither have two paths to one file', () => {
  assert.deepEqual(circlesOf({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }), []);
});

test('a circle is the path of its files, from the first by name back to it', () => {
  assert.deepEqual(circlesOf({ c: ['a'], b: ['c'], a: ['b'], above: ['a'], below: [] }), ['a b c a']);
});

test('a file that imports itself is a circle', () => {
  assert.deepEqual(circlesOf({ a: ['a'] }), ['a a']);
});

test('the shortest circle among files that all reach each other is reported', () => {
  assert.deepEqual(circlesOf({ a: ['b'], b: ['c'], c: ['d', 'a'], d: ['c'] }), ['c d c']);
});

test('circles apart from each other are all reported, also where one leads to the other', () => {
  assert.deepEqual(circlesOf({ a: ['b'], b: ['a', 'x'], x: ['y'], y: ['z'], z: ['x'] }), [
    'a b a',
    'x y z x',
  ]);
});

test('a long chain before a circle does not take the circle for longer', () => {
  const chain = Object.fromEntries(
    Array.from({ length: 500 }, (_, i) => [
      `n${String(i).padStart(3, '0')}`,
      [`n${String(i + 1).padStart(3, '0')}`],
    ]),
  );
  assert.deepEqual(circlesOf({ ...chain, n500: ['n498'] }), ['n498 n499 n500 n498']);
});
