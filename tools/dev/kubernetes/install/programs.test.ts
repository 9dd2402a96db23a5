import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { programOf, requiredVersion } from './programs.ts';

test('versions come from the modules that pin them', () => {
  assert.equal(programOf('kubernetes').version, 'v1.37.2');
  assert.equal(programOf('etcd').version, 'v3.7.3');
  assert.equal(programOf('helm').version, 'v4.3.1');
  assert.ok(
    programOf('kubernetes').linkerFlags.includes('-X k8s.io/component-base/version.gitVersion=v1.37.2'),
  );
  assert.match(programOf('pause').digest, /^[0-9a-f]{8}$/);
});

test('a requirement is found on its own line or in a list, and by its whole name', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'openim-programs-'));
  try {
    const modules =
      'require a.test/one v1.2.3\n\nrequire (\n\ta.test/two/sub v9.0.0\n\ta.test/two v2.0.0 // indirect\n)\n';
    await writeFile(join(dir, 'go.mod'), modules);
    assert.equal(requiredVersion(dir, 'a.test/one'), 'v1.2.3');
    assert.equal(requiredVersion(dir, 'a.test/two'), 'v2.0.0');
    assert.throws(() => requiredVersion(dir, 'a.test'), /requires no a\.test$/);
  } finally {
    await rm(dir, { recursive: true });
  }
});
