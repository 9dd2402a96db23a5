import assert from 'node:assert/strict';
import { test } from 'node:test';
import { directImports, packageGroups } from './package-graph.ts';

const PACKAGES = [
  { name: 'base', dir: 'lib/base' },
  { name: 'store', dir: 'lib/store' },
  { name: 'bus', dir: 'lib/bus' },
  { name: 'tool', dir: 'tool' },
  { name: 'app', dir: 'app' },
  { name: 'stranger', dir: 'stranger' },
];
const MAY_IMPORT = new Map([
  ['base', []],
  ['store', ['base']],
  ['bus', ['base']],
  ['tool', ['base']],
  ['app', ['base', 'bus', 'store']],
]);

test('neighbours that may import the same share a box; unknown packages have none', () => {
  const groups = packageGroups(PACKAGES, MAY_IMPORT).map(({ packages }) => packages);
  assert.deepEqual(groups, [['base'], ['store', 'bus'], ['tool'], ['app']]);
});

test('an import that follows from others is not drawn', () => {
  const groups = packageGroups(PACKAGES, MAY_IMPORT);
  assert.deepEqual(directImports(groups), [
    [1, 0],
    [2, 0],
    [3, 1],
  ]);
});
