import assert from 'node:assert/strict';
import { test } from 'node:test';
import { manifestFaults, type UsedByName } from './manifests.ts';
import type { Source } from './source.ts';

/** The faults of one workspace `app` with these files and declarations. */
function faultsOf(
  files: Record<string, string>,
  declared: { shipped?: string[]; development?: string[] },
  usedByName: UsedByName = {},
): string[] {
  const sources = Object.entries(files).map(([path, text]): Source => ({ path, text: `${text}\n` }));
  const app = {
    name: '@im/app',
    dir: 'app',
    declared: new Set(declared.shipped),
    declaredForDevelopment: new Set(declared.development),
    entries: [],
  };
  const lib = {
    ...app,
    name: '@im/lib',
    dir: 'lib',
    declared: new Set<string>(),
    declaredForDevelopment: new Set<string>(),
  };
  return manifestFaults([app, lib], sources, usedByName);
}

test('shipped files use dependencies, tests use devDependencies or shipped packages', () => {
  const files = {
    'app/src/a.ts': "import { WebSocket } from 'ws';",
    'app/src/a.test.ts': "import { WebSocket } from 'ws';\nimport { lib } from '@im/lib';",
    'app/test/b.ts': "import sdk from '@scope/sdk/deep';",
  };
  assert.deepEqual(faultsOf(files, { shipped: ['ws'], development: ['@im/lib', '@scope/sdk'] }), []);
});

test('a package that is not declared is refused, packages of the repository included', () => {
  const files = {
    'app/src/a.ts': "import type { Lib } from '@im/lib';",
    'app/test/b.ts': "import { WebSocket } from 'ws';",
  };
  assert.deepEqual(faultsOf(files, {}), [
    'app/src/a.ts: @im/lib is not declared: add it to dependencies of app/package.json',
    'app/test/b.ts: ws is not declared: add it to devDependencies of app/package.json',
  ]);
});

test('declarations of another workspace do not count', () => {
  const files = { 'lib/src/a.ts': "import { WebSocket } from 'ws';", 'app/src/a.ts': "import 'ws';" };
  assert.deepEqual(faultsOf(files, { shipped: ['ws'] }), [
    'lib/src/a.ts: ws is not declared: add it to dependencies of lib/package.json',
  ]);
});

test('a package in the wrong place is refused', () => {
  const shipped = { 'app/test/b.ts': "import 'ws';", 'app/src/a.ts': "import 'ws';" };
  assert.deepEqual(faultsOf(shipped, { development: ['ws'] }), [
    'app/src/a.ts: ws is shipped: move it to dependencies of app/package.json',
  ]);
  assert.deepEqual(faultsOf({ 'app/test/b.ts': "import 'ws';" }, { shipped: ['ws'] }), [
    'app/test/b.ts: only development uses ws: move it to devDependencies of app/package.json',
  ]);
});

test('a package that nothing uses or that is declared twice is refused', () => {
  assert.deepEqual(faultsOf({}, { shipped: ['ws'], development: ['yaml'] }), [
    'app/package.json: nothing uses ws: remove it',
    'app/package.json: nothing uses yaml: remove it',
  ]);
  assert.deepEqual(faultsOf({ 'app/src/a.ts': "import 'ws';" }, { shipped: ['ws'], development: ['ws'] }), [
    'app/package.json: ws is declared twice: remove it from devDependencies',
  ]);
});

test('an exception lets a package be declared that is used by name, and is refused when it is not needed', () => {
  const exception = { '@im/app': { esbuild: 'a program' } };
  const needless = [
    'app/package.json: esbuild needs no exception: remove it from tools/lint-dependencies.ts',
  ];
  assert.deepEqual(faultsOf({}, { development: ['esbuild'] }, exception), []);
  assert.deepEqual(faultsOf({}, {}, exception), needless);
  const importing = { 'app/test/a.ts': "import 'esbuild';" };
  assert.deepEqual(faultsOf(importing, { development: ['esbuild'] }, exception), needless);
});
