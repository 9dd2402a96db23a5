import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually } from '@im/dev-kubernetes';
import { CONFIG_MAP, type KubeObject, NAMESPACE, resourceType, SECRET } from '@im/kube';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import type { OpenIMTenantSpec } from '../src/gen/openimtenant.ts';
import type { OpenIMTenantClassSpec } from '../src/gen/openimtenantclass.ts';
import { OPENIM_TENANT, OPENIM_TENANT_CLASS } from '../src/resources/kinds.ts';
import { decoded } from '../src/resources/secrets.ts';
import { manifestsOf, ROOT } from './manifests.ts';
import { startOperator, usableStores, useFixture } from './operator-fixture.ts';

const OWN = 'default';
const CLUSTER = 'shared';
const OPERATOR = { version: '0.1.0', image: 'openim/openim-operator:0.1.0' };
const LONG_MS = 120_000;
const ALLOWED = { 'im.example.com/tenants': 'allowed' };
const ROLE = resourceType<KubeObject>('rbac.authorization.k8s.io/v1', 'Role', 'roles');
const ROLE_BINDING = resourceType<KubeObject>('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings');

const fixture = useFixture(OWN);
const AS = { fieldManager: 'person', force: true };

async function applyTenant(namespace: string, name: string, spec: Partial<OpenIMTenantSpec> = {}) {
  const clusterRef = { name: CLUSTER, namespace: OWN };
  const metadata = { name, namespace };
  const object = {
    apiVersion: 'openim.io/v1alpha1',
    kind: 'OpenIMTenant',
    metadata,
    spec: { clusterRef, ...spec },
  };
  await fixture.client.apply(OPENIM_TENANT, object, AS);
}
async function applyNamespace(name: string, labels: Readonly<Record<string, string>> = {}) {
  await fixture.client.apply(
    NAMESPACE,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
    AS,
  );
}
async function applyClass(name: string, spec: OpenIMTenantClassSpec) {
  const metadata = { name, namespace: OWN };
  const object = { apiVersion: 'openim.io/v1alpha1', kind: 'OpenIMTenantClass', metadata, spec };
  await fixture.client.apply(OPENIM_TENANT_CLASS, object, AS);
}
async function applySecret(namespace: string, name: string, value: string) {
  const metadata = { name, namespace };
  const object = { apiVersion: 'v1', kind: 'Secret', metadata, stringData: { secret: value } };
  await fixture.client.apply(SECRET, object, AS);
}
const tenantOf = (namespace: string, name: string) => fixture.client.get(OPENIM_TENANT, { namespace, name });
const remove = (namespace: string, name: string) => fixture.client.delete(OPENIM_TENANT, { namespace, name });
const secretOf = async (namespace: string, name: string) =>
  decoded((await fixture.client.get(SECRET, { namespace, name }))?.data);

/** Waits for a condition of a tenant whose spec was looked at. @returns its message. */
async function until(namespace: string, name: string, reason: string, type = 'Ready'): Promise<string> {
  let message = '';
  await eventually(async () => {
    const found = await tenantOf(namespace, name);
    const condition = found?.status?.conditions?.find((each) => each.type === type);
    assert.equal(found?.status?.observedGeneration, found?.metadata.generation);
    assert.equal(condition?.reason, reason, condition?.message);
    message = condition?.message ?? '';
  }, LONG_MS);
  return message;
}
async function untilGone(namespace: string, name: string) {
  await eventually(async () => assert.equal(await tenantOf(namespace, name), undefined), LONG_MS);
}

/** The entry of a tenant in the config of the cluster. */
async function entryOf(id: string): Promise<Record<string, unknown> | undefined> {
  const { items } = await fixture.client.list(CONFIG_MAP, {
    namespace: OWN,
    labelSelector: `app.kubernetes.io/instance=${CLUSTER}`,
  });
  const texts = items
    .flatMap(({ data }) => Object.entries(data ?? {}))
    .filter(([file]) => /^\d\d\.json$/.test(file));
  const entries = texts.flatMap(
    ([, text]) => (JSON.parse(text) as { tenants: Record<string, unknown>[] }).tenants,
  );
  return entries.find((each) => each.id === id);
}

test('teams have tenants from their own namespaces, within their class, and reach nothing of each other', async () => {
  const one = { replicas: 1 };
  const spec: OpenIMClusterSpec = { gateway: one, api: one, rpc: one, transfer: one, push: one };
  fixture.nodes.following.add(CLUSTER);
  fixture.nodes.usage = [
    {
      id: 'shop',
      users: 12,
      connections: 3,
      storageBytes: 0,
      messagesToday: 12_345,
      throttledToday: 7,
      throttledYesterday: 0,
    },
  ];
  await using _operator = startOperator(fixture, undefined, OPERATOR, { storeChecks: usableStores });
  await fixture.applyCluster(CLUSTER, spec);
  await eventually(async () => {
    const { status } = await fixture.clusterOf(CLUSTER);
    assert.equal(status?.rollout?.completedGeneration, 1, status?.rollout?.message);
  }, LONG_MS);

  // Without a word of the cluster no other namespace has tenants.
  const team = manifestsOf(readFileSync(join(ROOT, 'docs/samples/teams/team.yaml'), 'utf8'));
  await applyNamespace('team-a', ALLOWED);
  await applyNamespace('team-b');
  await applyTenant('team-a', 'shop');
  assert.match(
    await until('team-a', 'shop', 'NamespaceNotAllowed'),
    /OpenIMCluster shared of namespace default does not allow tenants of namespace team-a; .*spec\.allowedTenants\.namespaces/,
  );
  assert.equal(await entryOf('shop'), undefined);

  // Allowed by labels, with the ceilings of the default class.
  await applyClass('bronze', {
    ceilings: { quotas: { users: 100 } },
    defaults: { quotas: { connections: 7 } },
  });
  const allowedTenants = {
    namespaces: { from: 'Selector', selector: { matchLabels: ALLOWED } },
    defaultClass: 'bronze',
  } as const;
  await fixture.applyCluster(CLUSTER, { ...spec, allowedTenants });
  await until('team-a', 'shop', 'Serving');
  const { status: served } = (await tenantOf('team-a', 'shop')) ?? {};
  assert.equal(served?.className, 'bronze');
  assert.deepEqual((await entryOf('shop'))?.quotas, { users: 100, connections: 7 });
  const credentials = await secretOf('team-a', served?.adminSecretRef?.name ?? '');
  const kept = await secretOf(OWN, `${CLUSTER}-tenants`);
  assert.deepEqual(credentials, { adminUser: 'imAdmin', adminSecret: kept['shop.admin-secret'] });
  await fixture.client.delete(SECRET, { namespace: 'team-a', name: 'shop.openim-admin' });
  await eventually(
    async () => assert.deepEqual(await secretOf('team-a', 'shop.openim-admin'), credentials),
    LONG_MS,
  );

  // What it uses, against the quotas of its class.
  await until('team-a', 'shop', 'WithinQuotas', 'QuotaExceeded');
  const { usage } = (await tenantOf('team-a', 'shop'))?.status ?? {};
  assert.deepEqual(
    { ...usage, observedAt: '' },
    {
      ...{
        observedAt: '',
        users: 12,
        connections: 3,
        storageBytes: 0,
        messagesToday: 12_000,
        throttledToday: 7,
        throttledYesterday: 0,
      },
      quotas: { users: 100, connections: 7 },
    },
  );

  // A team with the Role of the sample can do this and nothing else.
  for (const manifest of team) {
    const type = { Role: ROLE, RoleBinding: ROLE_BINDING }[manifest.kind];
    if (type) await fixture.client.apply(type, manifest as never, AS);
  }
  const can = async (verb: string, what: string, namespace: string) => {
    const args = [
      'auth',
      'can-i',
      verb,
      ...what.split(' '),
      '-n',
      namespace,
      '--as=dave',
      '--as-group=team-a',
    ];
    return (await fixture.plane.kubectl(...args).catch(() => 'no')).trim() === 'yes';
  };
  assert.ok(await can('create', 'openimtenants.openim.io', 'team-a'));
  assert.ok(await can('get', 'secrets/shop.openim-admin', 'team-a'));
  for (const [verb, what, namespace] of [
    ['list', 'secrets', 'team-a'],
    ['patch', 'openimtenants.openim.io --subresource=status', 'team-a'],
    ['create', 'openimtenants.openim.io', 'team-b'],
    ['create', 'openimtenants.openim.io', OWN],
    ['get', 'openimclusters.openim.io', OWN],
    ['get', `secrets/${CLUSTER}-tenants`, OWN],
  ] as const)
    assert.ok(!(await can(verb, what, namespace)), `${verb} ${what} in ${namespace}`);

  // The same ID from another namespace: not while that is not allowed, and not when it is.
  await applyTenant('team-b', 'shop');
  await until('team-b', 'shop', 'NamespaceNotAllowed');
  await applyNamespace('team-b', ALLOWED);
  assert.match(
    await until('team-b', 'shop', 'TenantIDTaken'),
    /already used by OpenIMTenant of namespace team-a/,
  );
  await applyTenant('team-b', 'root', { tenantID: 'default', suspended: true });
  await until('team-b', 'root', 'TenantIDTaken');
  assert.notEqual((await entryOf('default'))?.suspended, true);
  // Deleting it removes nothing of the other one.
  const purge = { deletionPolicy: 'Purge', purgeAfterHours: 0 } as const;
  await applyTenant('team-b', 'shop', purge);
  await until('team-b', 'shop', 'TenantIDTaken');
  await remove('team-b', 'shop');
  await untilGone('team-b', 'shop');
  assert.deepEqual(fixture.nodes.purges, []);
  await until('team-a', 'shop', 'Serving');

  // Secrets of its own namespace alone.
  const whsec = (fill: number) => `whsec_${Buffer.alloc(24, fill).toString('base64')}`;
  await applySecret(OWN, 'hooks', whsec(1));
  await applySecret('team-b', 'hooks', whsec(2));
  const webhooks = { url: 'http://192.0.2.1/im', secretRef: { name: 'hooks' } };
  await applyTenant('team-a', 'shop', { webhooks });
  assert.match(
    await until('team-a', 'shop', 'SecretMissing'),
    /Secret hooks does not exist in this namespace/,
  );
  await applySecret('team-a', 'hooks', whsec(3));
  await until('team-a', 'shop', 'Serving');
  const { items: shards } = await fixture.client.list(SECRET, {
    namespace: OWN,
    labelSelector: `app.kubernetes.io/instance=${CLUSTER}`,
  });
  const values = shards
    .map(({ data }) => decoded(data)['shop.webhooks.secret'])
    .filter((each) => each !== undefined);
  assert.deepEqual(values, [whsec(3)]);

  // Above the ceiling: refused with field, value and ceiling, and what was in force stays.
  const before = (await tenantOf('team-a', 'shop'))?.metadata.generation;
  await applyTenant('team-a', 'shop', { quotas: { users: 1_000 } });
  assert.match(
    await until('team-a', 'shop', 'ExceedsClass'),
    /spec\.quotas\.users: 1000 is above the ceiling 100 of class bronze; .*generation \d+ stay in force/,
  );
  assert.equal((await tenantOf('team-a', 'shop'))?.status?.inForceGeneration, before);
  await applyTenant('team-a', 'shop', { quotas: { users: 50 } });
  await until('team-a', 'shop', 'Serving');
  await until('team-a', 'shop', 'WithinCeilings', 'WithinClass');
  // A ceiling that is lowered applies at once, and the tenant goes on.
  await applyClass('bronze', { ceilings: { quotas: { users: 12 } } });
  assert.match(
    await until('team-a', 'shop', 'Clamped', 'WithinClass'),
    /spec\.quotas\.users: 50 is above the ceiling 12 of class bronze.*The ceiling applies meanwhile/,
  );
  await eventually(async () => assert.deepEqual((await entryOf('shop'))?.quotas, { users: 12 }), LONG_MS);
  await until('team-a', 'shop', 'Serving');
  assert.match(await until('team-a', 'shop', 'Users', 'QuotaExceeded'), /quotas\.users \(12\) is used up/);

  // What is stored under an ID belongs to its namespace also when the resource is gone.
  await remove('team-a', 'shop');
  await untilGone('team-a', 'shop');
  await eventually(async () => assert.equal(await entryOf('shop'), undefined), LONG_MS);
  await applyTenant('team-b', 'shop', purge);
  assert.match(await until('team-b', 'shop', 'TenantIDTaken'), /belongs to another namespace/);
  await remove('team-b', 'shop');
  await untilGone('team-b', 'shop');
  await applyTenant(OWN, 'shop');
  assert.match(
    await until(OWN, 'shop', 'TenantIDTaken'),
    /entry shop\.namespace of its Secret shared-tenants/,
  );
  await remove(OWN, 'shop');
  await applyTenant('team-a', 'shop', { quotas: { users: 5 } });
  await until('team-a', 'shop', 'Serving');
  assert.deepEqual(await secretOf('team-a', 'shop.openim-admin'), credentials);

  // A cluster that does not allow it any more, and one that is gone, hold up no deletion.
  await applyTenant('team-a', 'shop', { ...purge, quotas: { users: 5 } });
  await until('team-a', 'shop', 'Serving');
  await applyTenant('team-a', 'lost', { ...purge, clusterRef: { name: 'nowhere', namespace: OWN } });
  await until('team-a', 'lost', 'ClusterMissing');
  await applyNamespace('team-a');
  await until('team-a', 'shop', 'NamespaceNotAllowed');
  await eventually(async () => assert.equal(await entryOf('shop'), undefined), LONG_MS);
  for (const name of ['shop', 'lost']) await remove('team-a', name);
  for (const name of ['shop', 'lost']) await untilGone('team-a', name);
  assert.deepEqual(fixture.nodes.purges, [], 'what is stored stays with those who run the cluster');
});
