import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Workspace } from './lint-dependencies/source.ts';
import { violations } from './lint-dependencies.ts';

const workspace = (name: string, dir: string): Workspace => ({
  name,
  dir,
  declared: new Set(),
  declaredForDevelopment: new Set(),
  entries: [`${dir}/index.ts`],
});
const workspaces = [
  workspace('@im/protocol', 'services/lib/protocol'),
  workspace('@im/kit', 'services/lib/kit'),
  workspace('@im/store', 'services/lib/store'),
  workspace('@im/bus', 'services/lib/bus'),
  workspace('@im/rpc', 'services/lib/rpc'),
  workspace('@im/dev-stores', 'tools/dev/stores'),
  workspace('@im/msg', 'services/msg'),
  workspace('@im/group', 'services/group'),
  workspace('@im/main', 'services/main'),
  workspace('@im/operator', 'operator'),
  workspace('@im/kube', 'operator/kube'),
  workspace('@im/e2e', 'e2e'),
  workspace('@im/dev-cluster', 'tools/dev/cluster'),
  workspace('@im/dev-kubernetes', 'tools/dev/kubernetes'),
];
const check = (path: string, line: string) => violations(workspaces, [{ path, text: `${line}\n` }]);
const refused = (path: string, line: string, why: RegExp) => {
  const found = check(path, line);
  assert.equal(found.length, 1, `${path}: ${line} -> ${found.join() || 'allowed'}`);
  assert.match(found[0] ?? '', why);
};

test('imports along the order pass', () => {
  for (const [path, line] of [
    ['services/lib/kit/src/a.ts', "import { ERR } from '@im/protocol';"],
    ['services/lib/store/src/a.ts', "import type { Metrics } from '@im/kit';"],
    ['services/msg/src/a.ts', "import { a } from './b.ts';\nexport * from '@im/store';"],
    ['services/main/src/roles.ts', "const load = () => import('@im/msg');"],
    ['services/lib/store/src/a.ts', "import { MongoClient } from 'mongodb';\nimport fs from 'node:fs';"],
    ['services/lib/store/test/a.test.ts', "import { withBackends } from '@im/dev-stores';"],
  ] as const) {
    assert.deepEqual(check(path, line), []);
  }
});

test('imports against the order are refused, types and dynamic ones included', () => {
  const order = /must not depend on/;
  refused('services/lib/protocol/src/a.ts', "import { x } from '@im/kit';", order);
  refused('services/lib/kit/src/a.ts', "import type { x } from '@im/rpc';", order);
  refused('services/lib/store/src/a.ts', "export { x } from '@im/bus';", order);
  refused('services/msg/src/a.ts', "import { x } from '@im/group';", order);
  refused('services/msg/src/a.ts', "import { x } from '@im/main';", order);
  refused('services/main/src/a.ts', "import { x } from '@im/dev-stores';", order);
  refused('operator/src/a.ts', "import { x } from '@im/msg';", order);
  refused('services/msg/src/a.ts', "const x = await import('@im/group');", order);
  refused('services/msg/src/a.ts', "import {\n  type x,\n  y,\n} from '@im/group';", order);
});

test('relative imports stay in their workspace, packages are entered by their index', () => {
  refused('services/msg/src/a.ts', "import { x } from '../../group/src/b.ts';", /leaves @im\/msg/);
  refused('services/msg/src/a.ts', "import { x } from '../../../tools/b.ts';", /leaves @im\/msg/);
  refused('tools/a.ts', "import { x } from '../services/lib/kit/src/ids.ts';", /leaves tools/);
  refused('services/msg/src/a.ts', "import { x } from '@im/kit/src/ids.ts';", /reaches into @im\/kit/);
});

test('a workspace inside another is a separate package', () => {
  assert.deepEqual(check('e2e/suites/a.test.ts', "import { x } from '@im/dev-cluster';"), []);
  assert.deepEqual(check('operator/test/a.test.ts', "import { x } from '@im/dev-kubernetes';"), []);
  assert.deepEqual(check('operator/src/a.ts', "import { x } from '@im/kube';"), []);
  refused('operator/src/a.ts', "import { x } from '../kube/src/index.ts';", /leaves @im\/operator/);
  refused('operator/kube/src/a.ts', "import { x } from '../../src/index.ts';", /leaves @im\/kube/);
  refused('operator/kube/src/a.ts', "import { x } from '@im/operator';", /must not depend on/);
  refused('operator/kube/src/a.ts', "import { x } from '@im/protocol';", /must not depend on/);
  refused('operator/src/a.ts', "import { x } from '@im/dev-kubernetes';", /must not depend on/);
  refused('tools/dev/kubernetes/a.ts', "import { x } from '@im/main';", /must not depend on/);
  refused('tools/dev/kubernetes/a.ts', "import { x } from '../../test.ts';", /leaves @im\/dev-kubernetes/);
  refused('tools/a.ts', "import { x } from './dev/kubernetes/index.ts';", /leaves tools/);
});

test('tools use Node alone', () => {
  refused('tools/a.ts', "import { x } from '@im/kit';", /tools use Node alone/);
  refused('tools/a.ts', "import { x } from 'mongodb';", /tools use Node alone/);
});

test('imports of a shipped file are shipped too, in any folder', () => {
  const sources = [
    { path: 'operator/src/a.ts', text: "import { b } from '../test/b.ts';\n" },
    { path: 'operator/test/b.ts', text: "import { x } from '@im/dev-stores';\n" },
    { path: 'operator/test/c.ts', text: "import { x } from '@im/dev-stores';\n" },
  ];
  const found = violations(workspaces, sources);
  assert.equal(found.length, 1);
  assert.match(found[0] ?? '', /^operator\/test\/b\.ts: @im\/operator must not depend on @im\/dev-stores/);
});
