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
  'AllApplied',
  'SwitchedOff',
  'AllPartitionsRead',
  'UpToDate',
  'Serving',
  'NoFault',
  'WithinCeilings',
  'WithinQuotas',
]);

/** Reasons of events, which docs/operations/cluster.md has. */
const EVENTS = 'status/cluster-events.ts';

function reasonsIn(text: string): string[] {
  return [...text.matchAll(/\breason: '([A-Z][A-Za-z]+)'|^ {2}\| '([A-Z][A-Za-z]+)'/gm)].map(
    ([, literal, member]) => literal ?? member ?? '',
  );
}

test('docs/troubleshooting.md has every reason for which a condition does not hold, other pages those of scaling and upgrades', () => {
  const folders = ['src/controllers/cluster', 'src/controllers/tenant', 'src/checks', 'kube/src'].map(
    (name) => join(ROOT, 'operator', name),
  );
  const sources = folders.flatMap((dir) =>
    readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && file !== EVENTS)
      .map((file) => readFileSync(join(dir, file), 'utf8')),
  );
  const reasons = new Set(sources.flatMap(reasonsIn).filter((reason) => !GOOD.has(reason)));
  assert.ok(reasons.has('SecretMissing') && reasons.has('Unreachable'), 'the pattern still finds reasons');
  const pages = ['docs/troubleshooting.md', 'docs/operations/scaling.md', 'docs/operations/upgrades.md'].map(
    (page) => readFileSync(join(ROOT, page), 'utf8'),
  );
  assert.deepEqual(
    [...reasons].filter((reason) => !pages.some((page) => page.includes(`\`${reason}\``))),
    [],
  );
});

test('docs/operations/cluster.md has every event of a cluster’s conditions', () => {
  const text = readFileSync(join(ROOT, 'operator/src/controllers/cluster', EVENTS), 'utf8');
  const events = [
    ...reasonsIn(text),
    ...[...text.matchAll(/: \['(\w+)', '(\w+)'\]/g)].map(([, name = '']) => name),
  ];
  assert.ok(
    events.includes('RolloutStarted') && events.includes('NATSUnavailable'),
    'the pattern still finds events',
  );
  const page = readFileSync(join(ROOT, 'docs/operations/cluster.md'), 'utf8');
  assert.deepEqual(
    events.filter((event) => !page.includes(`\`${event}\``)),
    [],
  );
});
