import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isAllowed, packageFolder, thirdPartyNotices } from './notices.ts';

test('files are grouped by their package', () => {
  assert.equal(packageFolder('services/main/src/entry.ts'), undefined);
  assert.equal(packageFolder('node_modules/ws/lib/a.js'), 'node_modules/ws');
  assert.equal(packageFolder('node_modules/@a/b/c/d.js'), 'node_modules/@a/b');
  assert.equal(packageFolder('node_modules/a/node_modules/b/i.js'), 'node_modules/a/node_modules/b');
});

test('licences with conditions on our own code are refused', () => {
  for (const free of ['MIT', '(MIT OR GPL-3.0-only)', '(BSD-3-Clause AND Apache-2.0)'])
    assert.ok(isAllowed(free), free);
  for (const bound of ['GPL-3.0-only', 'AGPL-3.0', 'MIT AND GPL-2.0', 'UNLICENSED', 'unknown'])
    assert.ok(!isAllowed(bound), bound);
});

test('the notices hold the texts of all packages, each once', () => {
  const root = mkdtempSync(join(tmpdir(), 'notices-'));
  const add = (name: string, license: string) => {
    const dir = join(root, 'node_modules', name);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'package.json'), JSON.stringify({ name, version: '1.0.0', license }));
    writeFileSync(join(dir, 'LICENSE'), `terms of ${name}`);
  };
  try {
    add('a', 'MIT');
    add('b', 'ISC');
    add('c', 'GPL-3.0-only');
    const files = ['node_modules/a/x.js', 'node_modules/b/x.js', 'node_modules/a/y.js', 'src/z.ts'];
    const text = thirdPartyNotices(root, files);
    assert.equal(text.match(/terms of a/g)?.length, 1);
    assert.match(text, /^a 1\.0\.0 \(MIT\)[\s\S]*b 1\.0\.0 \(ISC\)/);
    assert.throws(() => thirdPartyNotices(root, ['node_modules/c/x.js']), /c 1\.0\.0 is under GPL-3\.0-only/);
  } finally {
    rmSync(root, { recursive: true });
  }
});
