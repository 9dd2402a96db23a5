import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '../../..');

test('every metric that a command reads is exported by a process', () => {
  const reference = readFileSync(join(ROOT, 'docs/reference/metrics.md'), 'utf8');
  const exported = new Set([...reference.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name));
  const sources = globSync('cli/src/**/*.ts', { cwd: ROOT }).filter((path) => !path.endsWith('.test.ts'));
  const read = sources.flatMap((path) => [
    ...readFileSync(join(ROOT, path), 'utf8').matchAll(/'(openim_\w+)'/g),
  ]);
  assert.ok(read.length > 5, `${read.length} metrics are read`);
  const missing = read.map(([, name]) => name).filter((name) => !exported.has(name));
  assert.deepEqual(missing, []);
});
