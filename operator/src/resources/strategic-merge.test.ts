import assert from 'node:assert/strict';
import { test } from 'node:test';
import { strategicMerge } from './strategic-merge.ts';

test('objects are merged field by field, values replaced, null removes', () => {
  const original = { securityContext: { runAsUser: 1, fsGroup: 1 }, dnsPolicy: 'Default', hostname: 'a' };
  const patch = { securityContext: { runAsUser: null, runAsGroup: 2 }, dnsPolicy: 'None', hostname: null };
  assert.deepEqual(strategicMerge(original, patch), {
    securityContext: { fsGroup: 1, runAsGroup: 2 },
    dnsPolicy: 'None',
  });
  assert.deepEqual(original.securityContext, { runAsUser: 1, fsGroup: 1 }, 'the original is unchanged');
});

test('entries of lists are found by their key, in the order in which they were', () => {
  const original = {
    containers: [
      { name: 'main', image: 'im:1', env: [{ name: 'A', value: '1' }], args: ['serve', 'api'] },
      { name: 'side', image: 's:1' },
    ],
    volumes: [{ name: 'tmp', emptyDir: {} }],
  };
  const patch = {
    containers: [
      { name: 'added', image: 'x:1', env: [{ name: 'B', value: null }] },
      {
        name: 'main',
        env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
        args: ['x'],
      },
    ],
    volumes: [
      { name: 'tmp', persistentVolumeClaim: { claimName: 'c' } },
      { name: 'ca', secret: { secretName: 'ca' } },
    ],
    tolerations: [{ key: 'im' }],
  };
  assert.deepEqual(strategicMerge(original, patch), {
    containers: [
      {
        name: 'main',
        image: 'im:1',
        env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } }],
        args: ['x'],
      },
      { name: 'side', image: 's:1' },
      { name: 'added', image: 'x:1', env: [{ name: 'B' }] },
    ],
    volumes: [
      { name: 'tmp', persistentVolumeClaim: { claimName: 'c' } },
      { name: 'ca', secret: { secretName: 'ca' } },
    ],
    tolerations: [{ key: 'im' }],
  });
});
