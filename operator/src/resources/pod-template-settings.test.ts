import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveSpec } from './effective.ts';
import { podTemplateSettings } from './pod-template-settings.ts';

const operator = { version: '1.0.0', image: 'im:1.0.0' };

test('pods of a component have the settings of the cluster under their own', () => {
  const common = {
    labels: { team: 'chat', tier: 'a' },
    env: [
      { name: 'A', value: '1' },
      { name: 'B', value: '1' },
    ],
    priorityClassName: 'low',
    tolerations: [{ key: 'pool' }],
    spec: { runtimeClassName: 'gvisor', securityContext: { runAsUser: null, fsGroup: 1 } },
  };
  const own = {
    labels: { tier: 'b' },
    env: [{ name: 'B', value: '2' }],
    priorityClassName: 'high',
    spec: { runtimeClassName: null, securityContext: { fsGroup: 2 } },
  };
  assert.deepEqual(podTemplateSettings(common, own), {
    labels: { team: 'chat', tier: 'b' },
    env: [
      { name: 'A', value: '1' },
      { name: 'B', value: '2' },
    ],
    priorityClassName: 'high',
    tolerations: [{ key: 'pool' }],
    // What is removed from the pod stays in the patch.
    spec: { runtimeClassName: null, securityContext: { runAsUser: null, fsGroup: 2 } },
  });
  assert.deepEqual(podTemplateSettings(undefined, own), own);
  assert.deepEqual(podTemplateSettings(common), common);
});

test('settings of the cluster reach every role and every managed store', () => {
  const podTemplate = { tolerations: [{ key: 'pool', operator: 'Exists' as const }] };
  const spec = effectiveSpec({ podTemplate, cron: { podTemplate: { tolerations: [] } } }, operator);
  const { gateway, api, rpc, transfer, push, cron, nats, mongodb, redis, objectStorage } = spec;
  for (const workload of [gateway, api, rpc, transfer, push])
    assert.deepEqual(workload.podTemplate, podTemplate);
  for (const store of [nats, mongodb, redis, objectStorage])
    assert.deepEqual(store.kind === 'managed' && store.podTemplate, podTemplate);
  assert.deepEqual(cron.podTemplate, { tolerations: [] });
});
