import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importGraph, importsOf, packageOf, packagesOf, shippedFiles, type Workspace } from './source.ts';

const app: Workspace = {
  name: '@im/app',
  dir: 'app',
  declared: new Set(),
  declaredForDevelopment: new Set(),
  entries: ['app/index.ts'],
};
const lib: Workspace = { ...app, name: '@im/lib', dir: 'app/lib', entries: ['app/lib/src/index.ts'] };
const workspaces = [app, lib];

test('imports are found in all their forms', () => {
  const text = [
    "import 'a';",
    "import b from 'b';",
    "import type { C } from './c.ts';",
    "import {\n  type D,\n  d,\n} from 'd';",
    "export * from 'e';",
    "export type { F } from 'f';",
    "const g = await import('g');",
    "let h: import('h').H;",
  ].join('\n');
  assert.deepEqual(importsOf(text).sort(), ['./c.ts', 'a', 'b', 'd', 'e', 'f', 'g', 'h']);
});

test('comments and strings are no imports', () => {
  assert.deepEqual(
    importsOf("export class A {\n  kind = 'b';\n}\nexport const from = 'c';\nexport type T = 'x' | 'y';"),
    [],
  );
  assert.deepEqual(importsOf("// import { x } from 'a';\n/** import('b') */\nconst s = 'from';"), []);
});

test('a specifier names a package, a file or a module of Node', () => {
  assert.deepEqual(
    ['ws', 'ws/lib/a.js', '@scope/sdk', '@scope/sdk/deep', 'node:fs', './a.ts', '/page.js'].map(packageOf),
    ['ws', 'ws', '@scope/sdk', '@scope/sdk', undefined, undefined, undefined],
  );
});

test('a package is used by importing it, looking it up or starting one of its files', () => {
  const text = [
    "import { WebSocket } from 'ws';",
    "const found = require.resolve('@scope/sdk/lib');",
    "const ENTRY = new URL('../lib/src/main.ts', import.meta.url);",
    "const ROOT = new URL('../..', import.meta.url);",
  ].join('\n');
  const used = packagesOf(workspaces, { path: 'app/src/a.ts', text });
  assert.deepEqual([...used].sort(), ['@im/lib', '@scope/sdk', 'ws']);
});

test('the graph has files alone: relative imports, and the entries of packages', () => {
  const graph = importGraph(workspaces, [
    { path: 'app/index.ts', text: "import type { B } from './src/b.ts';\nimport './data.json';\n" },
    { path: 'app/src/b.ts', text: "import { c } from '@im/lib';\nimport { WebSocket } from 'ws';\n" },
    { path: 'app/lib/src/index.ts', text: '' },
  ]);
  assert.deepEqual(
    [...graph],
    [
      ['app/index.ts', ['app/src/b.ts']],
      ['app/src/b.ts', ['app/lib/src/index.ts']],
      ['app/lib/src/index.ts', []],
    ],
  );
});

test('shipped are sources, entries, and what they import or start in their own workspace', () => {
  const sources = [
    { path: 'app/index.ts', text: "import './bench/run.ts';\n" },
    { path: 'app/bench/run.ts', text: "const LOAD = new URL('./load.ts', import.meta.url);\n" },
    { path: 'app/bench/load.ts', text: '' },
    { path: 'app/bench/other.ts', text: '' },
    { path: 'app/bin/app.js', text: '' },
    { path: 'app/src/a.ts', text: "const OTHER = new URL('../lib/test/c.ts', import.meta.url);\n" },
    { path: 'app/src/a.test.ts', text: "import '../test/harness.ts';\n" },
    { path: 'app/test/harness.ts', text: '' },
    { path: 'app/lib/test/c.ts', text: '' },
    { path: 'tools/src/d.ts', text: '' },
  ];
  assert.deepEqual([...shippedFiles(workspaces, sources)].sort(), [
    'app/bench/load.ts',
    'app/bench/run.ts',
    'app/bin/app.js',
    'app/index.ts',
    'app/src/a.ts',
  ]);
});
