import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseDriver } from './choose-driver.ts';
import { openCluster } from './cluster.ts';

test('CLUSTER decides the driver, and a wrong one is named', async () => {
  assert.equal(await chooseDriver({ CLUSTER: 'kind' }), 'kind');
  assert.equal(await chooseDriver({ CLUSTER: 'local' }), 'local');
  await assert.rejects(chooseDriver({ CLUSTER: 'minikube' }), /"kind" or "local", not "minikube"/);
});

test('looking at a cluster needs nothing to be installed', async () => {
  for (const driver of ['kind', 'local'] as const) {
    const cluster = await openCluster({ driver });
    assert.equal(cluster.driver, driver);
    assert.match(cluster.kubeconfig, /^\//);
  }
});
