import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './manifests.ts';

/** Reasons of conditions without a fault. */
const GOOD = new Set([
  'AllAvailable',
  'Accepted',
  'CheckPassed',
  'AllReady',
  'AllPartitionsRead',
  'UpToDate',
  'Serving',
]);

function reasonsIn(text: string): string[] {
  return [...text.matchAll(/\breason: '([A-Z][A-Za-z]+)'|^ {2}\| '([A-Z][A-Za-z]+)'/gm)].map(
    ([, literal, member]) => literal ?? member ?? '',
  );
}

test('docs/troubleshooting.md has every reason for which a condition does not hold', () => {
  const folders = ['src/controllers/cluster', 'src/controllers/tenant', 'src/checks', 'kube/src'].map(
    (name) => join(ROOT, 'operator', name),
  );
  const sources = folders.flatMap((dir) =>
    readdirSync(dir)
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
      .map((file) => readFileSync(join(dir, file), 'utf8')),
  );
  const reasons = new Set(sources.flatMap(reasonsIn).filter((reason) => !GOOD.has(reason)));
  assert.ok(reasons.has('SecretMissing') && reasons.has('Unreachable'), 'the pattern still finds reasons');
  const page = readFileSync(join(ROOT, 'docs/troubleshooting.md'), 'utf8');
  assert.deepEqual(
    [...reasons].filter((reason) => !page.includes(`\`${reason}\``)),
    [],
  );
});
