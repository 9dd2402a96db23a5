import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCluster, sample, withImages } from './manifests.ts';

const STORES = { nats: 'nats:1', mongodb: 'mongo:1', redis: 'redis:1', objectStorage: 's3:1' };
const IMAGES = { product: 'im:1', stores: STORES };

test('roles and stores that the operator runs get the images at hand, where the manifest names none', () => {
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
  const [cluster, namespace] = withImages(wanted, IMAGES);
  assert.deepEqual(cluster && isCluster(cluster) && cluster.spec, {
    image: 'im:1',
    nats: { managed: { image: 'nats:1', storage: { size: '2Gi' } } },
    mongodb: { external: { uriSecretRef: { name: 'm' } } },
    redis: { managed: { image: 'mine:2' } },
    objectStorage: { managed: { image: 's3:1' } },
  });
  assert.equal(namespace, wanted[1]);
  const mine = { ...wanted[1], kind: 'OpenIMCluster', metadata: { name: 'chat' }, spec: { image: 'mine:1' } };
  const [pulled] = withImages([mine], { product: 'im:1' });
  assert.deepEqual(pulled && isCluster(pulled) && pulled.spec, { image: 'mine:1' });
});

test('a sample is read as it is, the cluster last', () => {
  assert.deepEqual(
    sample('development').map(({ kind }) => kind),
    ['Namespace', 'OpenIMCluster'],
  );
});
