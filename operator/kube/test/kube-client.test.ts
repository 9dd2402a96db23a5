import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ControlPlane, eventually, startControlPlane } from '@im/dev-kubernetes';
import {
  CONFIG_MAP,
  CUSTOM_RESOURCE_DEFINITION,
  createKubeClient,
  isApiError,
  type KubeClient,
  type KubeObject,
  NAMESPACE,
  POD,
  resourceType,
} from '../src/index.ts';

interface Widget extends KubeObject {
  readonly spec?: { readonly size?: number };
  readonly status?: { readonly ready?: boolean };
}
const WIDGET = resourceType<Widget>('test.example/v1', 'Widget', 'widgets');
const KEY = { namespace: 'default', name: 'one' };
const MANAGER = { fieldManager: 'test' };

let plane: ControlPlane;
let client: KubeClient;

before(async () => {
  plane = await startControlPlane();
  client = await createKubeClient({ kubeconfigPath: plane.kubeconfig });
});
after(async () => {
  client.close();
  await plane.stop();
});

test('the API server reports its version', async () => {
  assert.match(await client.version(), /^v1\.\d+\.\d+/);
  assert.equal(client.server, plane.url);
  assert.equal(client.namespace, 'default');
});

test('an object is made, read, changed, replaced and deleted', async () => {
  assert.equal(await client.get(CONFIG_MAP, KEY), undefined);
  const made = await client.create(CONFIG_MAP, { metadata: KEY, data: { a: '1' } });
  assert.equal(made.kind, 'ConfigMap');
  await assert.rejects(client.create(CONFIG_MAP, { metadata: KEY }), {
    status: 409,
    reason: 'AlreadyExists',
  });
  const dry = await client.patch(CONFIG_MAP, KEY, { data: { a: '3' } }, { dryRun: true });
  assert.deepEqual(dry.data, { a: '3' });
  assert.deepEqual((await client.get(CONFIG_MAP, KEY))?.data, { a: '1' });
  const patched = await client.patch(CONFIG_MAP, KEY, { data: { a: null, b: '2' } });
  assert.deepEqual(patched.data, { b: '2' });
  await assert.rejects(client.replace(CONFIG_MAP, { ...made, data: {} }), {
    status: 409,
    reason: 'Conflict',
  });
  const replaced = await client.replace(CONFIG_MAP, { ...patched, data: { c: '3' } });
  assert.deepEqual((await client.get(CONFIG_MAP, KEY))?.data, { c: '3' });

  assert.equal(await client.delete(CONFIG_MAP, KEY, { uid: '00000000-0000-0000-0000-000000000000' }), false);
  await assert.rejects(
    client.delete(CONFIG_MAP, KEY, { resourceVersion: patched.metadata.resourceVersion }),
    {
      status: 409,
    },
  );
  assert.equal(await client.delete(CONFIG_MAP, KEY, { uid: replaced.metadata.uid }), true);
  assert.equal(await client.delete(CONFIG_MAP, KEY), false);
});

test('a dry run and a conflict of managers write nothing', async () => {
  const key = { namespace: 'default', name: 'managed' };
  const dry = await client.apply(
    CONFIG_MAP,
    { metadata: key, data: { a: '1' } },
    { ...MANAGER, dryRun: true },
  );
  assert.equal(dry.data?.a, '1');
  assert.equal(await client.get(CONFIG_MAP, key), undefined);
  await client.apply(CONFIG_MAP, { metadata: key, data: { a: '1' } }, MANAGER);
  const other = { metadata: key, data: { a: '2' } };
  await assert.rejects(client.apply(CONFIG_MAP, other, { fieldManager: 'other', force: false }), (error) => {
    assert.ok(isApiError(error, 409));
    assert.equal(error.details?.causes?.[0]?.reason, 'FieldManagerConflict');
    return true;
  });
  assert.equal((await client.apply(CONFIG_MAP, other, { fieldManager: 'other' })).data?.a, '2');
});

test('custom resources have the same methods; a type that is not installed is an error', async () => {
  await assert.rejects(client.get(WIDGET, KEY), { status: 404 });
  await client.create(CUSTOM_RESOURCE_DEFINITION, {
    metadata: { name: 'widgets.test.example' },
    spec: {
      group: 'test.example',
      scope: 'Namespaced',
      names: { kind: 'Widget', plural: 'widgets', singular: 'widget' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: { type: 'object', properties: { size: { type: 'integer' } } },
                status: { type: 'object', properties: { ready: { type: 'boolean' } } },
              },
            },
          },
        },
      ],
    },
  });
  await eventually(async () => {
    await client.apply(WIDGET, { metadata: KEY, spec: { size: 1 }, status: { ready: true } }, MANAGER);
  });
  assert.equal((await client.get(WIDGET, KEY))?.status, undefined);
  const status = await client.applyStatus(WIDGET, { metadata: KEY, status: { ready: true } }, MANAGER);
  assert.equal(status.status?.ready, true);
  assert.equal(status.spec?.size, 1);
  assert.equal((await client.patchStatus(WIDGET, KEY, { ready: false })).status?.ready, false);
});

test('more objects than a page holds are all listed', async () => {
  const names = Array.from({ length: 23 }, (_, i) => `page-${String(i).padStart(2, '0')}`);
  const labels = { list: 'pages' };
  await Promise.all(
    names.map((name) => client.create(CONFIG_MAP, { metadata: { namespace: 'default', name, labels } })),
  );
  const list = await client.list(CONFIG_MAP, { labelSelector: 'list=pages', pageSize: 5 });
  assert.deepEqual(
    list.items.map(({ metadata }) => metadata.name),
    names,
  );
  assert.equal(list.items[0]?.apiVersion, 'v1');
});

test('an error names the missing permission', async () => {
  const kubeconfigPath = await plane.kubeconfigFor({ commonName: 'nobody' });
  const nobody = await createKubeClient({ kubeconfigPath });
  await assert.rejects(nobody.list(POD, { namespace: 'default' }), (error) => {
    assert.ok(isApiError(error, 403));
    assert.match(error.message, /User "nobody" cannot list resource "pods"/);
    return true;
  });
  nobody.close();
});

test('a kubeconfig can name several clusters; an error names what it lacks', async () => {
  const path = join(plane.dir, 'two-contexts.kubeconfig');
  const cluster = (name: string, server: string) => ({
    name,
    cluster: { server, 'certificate-authority-data': base64(plane.credentials.certificateAuthority) },
  });
  await writeFile(
    path,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [cluster('here', plane.url), cluster('nowhere', 'https://127.0.0.1:1')],
      users: [
        {
          name: 'admin',
          user: {
            'client-certificate-data': base64(plane.credentials.certificate),
            'client-key-data': base64(plane.credentials.key),
          },
        },
      ],
      contexts: [
        { name: 'here', context: { cluster: 'here', user: 'admin', namespace: 'kube-system' } },
        { name: 'nowhere', context: { cluster: 'nowhere', user: 'admin' } },
      ],
      'current-context': 'nowhere',
    }),
  );
  const here = await createKubeClient({ kubeconfigPath: path, context: 'here' });
  assert.equal(here.namespace, 'kube-system');
  assert.ok(await here.get(NAMESPACE, { name: 'kube-system' }));
  const nowhere = await createKubeClient({ kubeconfigPath: path });
  await assert.rejects(nowhere.version({ deadlineMs: 500 }), { name: 'ConnectionError', unsent: true });
  await assert.rejects(
    createKubeClient({ kubeconfigPath: path, context: 'other' }),
    /no context other, only here, nowhere/,
  );
  await assert.rejects(createKubeClient({ kubeconfigPath: `${path}.missing` }), /ENOENT/);
  here.close();
  nowhere.close();
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
