import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCluster, sample, withStoreImages } from './manifests.ts';

const IMAGES = { nats: 'nats:1', mongodb: 'mongo:1', redis: 'redis:1', objectStorage: 's3:1' };

test('stores that a manifest lets the operator run get the images at hand, others none', () => {
  const wanted = [
    {
      apiVersion: 'openim.io/v1alpha1',
      kind: 'OpenIMCluster',
      metadata: { name: 'chat' },
      spec: {
        nats: { managed: { storage: { size: '2Gi' } } },
        mongodb: { external: { uriSecretRef: { name: 'm' } } },
        redis: { managed: { image: 'mine:2' } },
      },
    },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'im' } },
  ];
  const [cluster, namespace] = withStoreImages(wanted, IMAGES);
  assert.deepEqual(cluster && isCluster(cluster) && cluster.spec, {
    nats: { managed: { image: 'nats:1', storage: { size: '2Gi' } } },
    mongodb: { external: { uriSecretRef: { name: 'm' } } },
    redis: { managed: { image: 'mine:2' } },
    objectStorage: { managed: { image: 's3:1' } },
  });
  assert.equal(namespace, wanted[1]);
  assert.equal(withStoreImages(wanted, undefined), wanted);
});

test('a sample is read as it is, the cluster last', () => {
  assert.deepEqual(
    sample('development').map(({ kind }) => kind),
    ['Namespace', 'OpenIMCluster'],
  );
});
