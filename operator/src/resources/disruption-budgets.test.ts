import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { disruptionBudgets, storeDisruptionBudget } from './disruption-budgets.ts';
import { ROLES, STORES } from './names.ts';

const owner = { name: 'chat', namespace: 'im', uid: 'u' };

test('one pod of a role may be evicted at a time, and any that is not ready, except for gateways', () => {
  const budgets = disruptionBudgets(owner, {});
  assert.deepEqual(
    budgets.map(({ metadata }) => metadata?.name),
    ROLES.map((role) => `chat-${role}`),
  );
  assert.equal(
    stringify(budgets[0]?.spec),
    `maxUnavailable: 1
selector:
  matchLabels:
    app.kubernetes.io/name: openim
    app.kubernetes.io/instance: chat
    app.kubernetes.io/component: gateway
unhealthyPodEvictionPolicy: IfHealthyBudget
`,
  );
  for (const { spec } of budgets.slice(1)) assert.equal(spec?.unhealthyPodEvictionPolicy, 'AlwaysAllow');
});

test('a pod of a store that is not ready may be evicted only while the others suffice', () => {
  for (const store of STORES) {
    const { metadata, spec } = storeDisruptionBudget(owner, store);
    assert.equal(metadata?.name, `chat-${store}`);
    assert.deepEqual([spec?.maxUnavailable, spec?.unhealthyPodEvictionPolicy], [1, 'IfHealthyBudget']);
    assert.equal(spec?.selector?.matchLabels?.['app.kubernetes.io/component'], store);
  }
});
