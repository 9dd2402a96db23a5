import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, type KubeClient } from '@im/kube';
import { createMetrics, silentLogger } from '@im/process';
import { nodeNotice, watchNodes } from './nodes.ts';

const node = (spec: object, labels: Record<string, string> = {}) => ({
  metadata: { name: 'n1', labels },
  spec,
});
const tainted = (key: string, labels?: Record<string, string>) =>
  nodeNotice(node({ taints: [{ key, effect: 'NoSchedule' }] }, labels));

test('a node that takes pods announces nothing', () => {
  assert.equal(nodeNotice(node({})), undefined);
  assert.equal(tainted('dedicated'), undefined);
  assert.equal(tainted('DeletionCandidateOfClusterAutoscaler'), undefined, 'only a candidate');
  assert.equal(tainted('kubernetes.azure.com/scalesetpriority'), undefined, 'every spot node has it');
});

test('cordoned nodes and those that an autoscaler removes are being emptied', () => {
  const cordoned = nodeNotice(node({ unschedulable: true }));
  assert.deepEqual(cordoned, { reason: 'Cordoned', message: 'node n1 is cordoned' });
  for (const key of ['ToBeDeletedByClusterAutoscaler', 'karpenter.sh/disrupted']) {
    assert.deepEqual(tainted(key), { reason: 'Cordoned', message: `node n1 has taint ${key}` });
  }
});

test('machines that end soon have less time', () => {
  const within = (key: string, labels?: Record<string, string>) => {
    const notice = tainted(key, labels);
    return [notice?.reason, notice?.withinMs];
  };
  assert.deepEqual(within('aws-node-termination-handler/spot-itn'), ['Spot', 90_000]);
  assert.deepEqual(within('cloud.google.com/impending-node-termination'), ['Spot', 12_000]);
  const azure = 'remediator.kubernetes.azure.com/unschedulable';
  assert.deepEqual(within(azure), ['Cordoned', undefined]);
  assert.deepEqual(within(azure, { 'kubernetes.azure.com/scalesetpriority': 'spot' }), ['Spot', 25_000]);
});

test('an operator that may not read nodes goes on without them', async () => {
  const asked = Promise.withResolvers<void>();
  const client = {
    list: () => {
      asked.resolve();
      return Promise.reject(
        new ApiError({ status: 403, reason: 'Forbidden', message: 'nodes is forbidden' }),
      );
    },
  } as unknown as KubeClient;
  const stop = new AbortController();
  const notices = watchNodes({
    client,
    log: silentLogger(),
    metrics: createMetrics(),
    onChange: assert.fail,
  });
  const running = notices.run(stop.signal);
  await asked.promise;
  assert.equal(notices.of('n1'), undefined);
  stop.abort();
  await running;
});
