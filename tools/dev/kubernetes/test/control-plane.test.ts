import assert from 'node:assert/strict';
import { access } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { apiGet } from '../control-plane/api-request.ts';
import { type ControlPlane, startControlPlane } from '../index.ts';

let plane: ControlPlane;

before(async () => {
  const startedAt = performance.now();
  plane = await startControlPlane();
  console.log(`control plane up in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
});
after(() => plane.stop());

const get = (path: string) => apiGet(`${plane.url}${path}`, plane.credentials, AbortSignal.timeout(10_000));

test('the API server is the pinned Kubernetes and keeps what it is given', async () => {
  const { gitVersion } = JSON.parse((await get('/version')).body);
  assert.equal(gitVersion, 'v1.37.2');
  await plane.kubectl('create', 'configmap', 'kept', '--from-literal=a=b');
  assert.equal(await plane.kubectl('get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'), 'b');
});

test('a restarted API server has the same address and data', async () => {
  await plane.kubectl('create', 'configmap', 'before-restart');
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    const startedAt = performance.now();
    await plane.restartApiServer({ signal });
    console.log(`restarted by ${signal} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    assert.equal((await get('/api/v1/namespaces/default/configmaps/before-restart')).status, 200);
  }
  await plane.killApiServer();
  await assert.rejects(get('/readyz'), /ECONNREFUSED/);
  await plane.startApiServer();
  assert.equal((await get('/readyz')).status, 200);
});

test('other users may do what RBAC grants them', async () => {
  const kubeconfig = await plane.kubeconfigFor({ commonName: 'carol', organizations: ['readers'] });
  const asCarol = (verb: string) =>
    plane.kubectl('auth', 'can-i', verb, 'pods', `--kubeconfig=${kubeconfig}`).catch(() => 'no\n');
  assert.equal(await asCarol('list'), 'no\n');
  await plane.kubectl('create', 'clusterrole', 'reader', '--verb=list', '--resource=pods');
  await plane.kubectl('create', 'clusterrolebinding', 'readers', '--clusterrole=reader', '--group=readers');
  assert.equal(await asCarol('list'), 'yes\n');
  assert.equal(await asCarol('delete'), 'no\n');
});

test('with controllers, workloads get their pods and what lost its owner goes', async () => {
  const startedAt = performance.now();
  await using second = await startControlPlane({ controllers: true });
  console.log(
    `second control plane with controllers up in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  );
  assert.notEqual(second.url, plane.url);
  await second.kubectl('create', 'deployment', 'web', '--image=none', '--replicas=2');
  await second.kubectl('wait', '--for=create', 'pod', '-l', 'app=web', '--timeout=30s');
  await second.kubectl('delete', 'deployment', 'web', '--cascade=background');
  await second.kubectl('wait', '--for=delete', 'pod', '-l', 'app=web', '--timeout=60s');
  await second.kubectl('create', 'namespace', 'short');
  await second.kubectl('delete', 'namespace', 'short', '--timeout=60s');
});

test('stop ends every process and removes the folder', async () => {
  const other = await startControlPlane();
  await other.stop();
  await other.stop();
  await assert.rejects(access(other.dir), { code: 'ENOENT' });
  await assert.rejects(apiGet(`${other.url}/readyz`, other.credentials, AbortSignal.timeout(2_000)));
});
