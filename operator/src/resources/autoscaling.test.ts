import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveAutoscaling, gatewayReplicas } from './autoscaling.ts';

test('defaults: seven tenths of the limit, a spare gateway, slow scale-in', () => {
  const { targetConnectionsPerPod, minReplicas, spare, behavior } = effectiveAutoscaling(
    { maxReplicas: 10 },
    50_000,
  );
  assert.deepEqual([targetConnectionsPerPod, minReplicas, spare], [35_000, 2, 'OnePod']);
  assert.equal(behavior.scaleUp.stabilizationWindowSeconds, 0);
  assert.equal(behavior.scaleDown.stabilizationWindowSeconds, 1_800);
});

test('rules that are given leave the others at their defaults', () => {
  const { behavior } = effectiveAutoscaling(
    { maxReplicas: 10, behavior: { scaleDown: { selectPolicy: 'Disabled' } } },
    50_000,
  );
  assert.equal(behavior.scaleDown.selectPolicy, 'Disabled');
  assert.equal(behavior.scaleDown.stabilizationWindowSeconds, 1_800);
  assert.equal(behavior.scaleUp.selectPolicy, 'Max');
});

test('what runs is kept when nothing is given', () => {
  const autoscaling = effectiveAutoscaling({ minReplicas: 3, maxReplicas: 10 }, 50_000);
  assert.equal(gatewayReplicas(undefined, undefined, undefined), 2, 'at first');
  assert.equal(gatewayReplicas(undefined, undefined, 20), 20, 'replicas were removed from the manifest');
  assert.equal(gatewayReplicas(5, undefined, 20), 5);
  assert.equal(gatewayReplicas(undefined, autoscaling, undefined), 3);
  assert.equal(gatewayReplicas(undefined, autoscaling, 7), 7);
  assert.equal(gatewayReplicas(undefined, autoscaling, 20), 10);
});
