import assert from 'node:assert/strict';
import { test } from 'node:test';
import { getClusterResource } from '@im/admin-api';
import { resourceView } from './resource-view.ts';

const { answer } = getClusterResource;

test('what has another type than it should is left out, and what is left is what the API answers', () => {
  const odd = [undefined, null, 1, -1, 'x', true, [], {}, [null], [[]], [{}], { a: 1 }, Number.NaN];
  const lists = ['conditions', 'components', 'volumes', 'gateways', 'upgradeHistory'];
  const fields = [...lists, 'upgrade', 'rollout', 'version', 'connections', 'observedAt', 'gatewaysReady'];
  for (const value of odd) {
    const entry = Object.fromEntries(
      [
        'type',
        'status',
        'name',
        'ready',
        'proof',
        'steps',
        'gates',
        'startedAt',
        'message',
        'sent',
        'phase',
      ].map((field) => [field, value]),
    );
    for (const given of [value, [entry], entry]) {
      const status = Object.fromEntries(fields.map((field) => [field, given]));
      const resource = resourceView({ metadata: given, spec: given, status });
      assert.deepEqual(answer.parse({ given: true, resource }), { given: true, resource });
    }
    answer.parse({ given: true, resource: resourceView(value) });
    answer.parse({ given: true, resource: resourceView({ status: value }) });
  }
});

test('lists and texts are bounded', () => {
  const many = Array.from({ length: 1_000 }, (_, i) => ({ name: `n${i}`, message: 'm'.repeat(10_000) }));
  const lists = { conditions: many, components: many, volumes: many, gateways: many, upgradeHistory: many };
  const upgrade = { steps: many, gates: many, message: 'm'.repeat(10_000) };
  const view = resourceView({ status: { ...lists, upgrade } });
  const counts = [view.conditions, view.components, view.volumes, view.gateways, view.history];
  assert.deepEqual(
    counts.map(({ length }) => length),
    [50, 50, 50, 50, 10],
  );
  assert.deepEqual([view.upgrade?.steps.length, view.upgrade?.gates.length], [50, 20]);
  assert.equal(view.conditions[0]?.message.length, 2_000);
  assert.ok(JSON.stringify(view).length < 300_000);
});

test('one word says how it is', () => {
  const phaseOf = (
    conditions: Readonly<Record<string, string>>,
    more: object = {},
    metadata: object = {},
  ) => {
    const list = Object.entries(conditions).map(([type, status]) => ({ type, status }));
    return resourceView({ metadata, status: { conditions: list, ...more } }).phase;
  };
  assert.equal(phaseOf({}), 'Unknown');
  assert.equal(phaseOf({ Ready: 'True', Progressing: 'False', Paused: 'False' }), 'Ready');
  assert.equal(phaseOf({ Ready: 'False' }), 'NotReady');
  assert.equal(phaseOf({ Ready: 'True', Progressing: 'True' }), 'Progressing');
  assert.equal(phaseOf({ Ready: 'True' }, { upgrade: { phase: 'Verifying' } }), 'Upgrading');
  assert.equal(phaseOf({ Ready: 'True' }, { upgrade: { phase: 'Succeeded' } }), 'Ready');
  assert.equal(phaseOf({ Ready: 'True', Paused: 'True' }), 'Paused');
  assert.equal(phaseOf({ Ready: 'True' }, {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), 'Deleting');
});
