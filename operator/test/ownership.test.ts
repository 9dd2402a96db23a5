import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@im/dev-kubernetes';
import { PERSISTENT_VOLUME_CLAIM, SECRET, SERVICE, STATEFUL_SET } from '@im/kube';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import { OPENIM_CLUSTER } from '../src/resources/kinds.ts';
import { decoded } from '../src/resources/secrets.ts';
import { startOperator, useFixture } from './operator-fixture.ts';

const NAMESPACE = 'default';
const OPERATOR = { version: '0.1.0', image: 'openim/openim-operator:1' };
/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 120_000;

const fixture = useFixture(NAMESPACE);

async function conditionsOf(name: string): Promise<string> {
  const cluster = await fixture.client.get(OPENIM_CLUSTER, { namespace: NAMESPACE, name });
  return (cluster?.status?.conditions ?? [])
    .filter(({ status }) => status !== 'True')
    .map(({ type, reason, message }) => `${type} ${reason}: ${message}`)
    .join('\n');
}

async function secretOf(name: string) {
  return await fixture.client.get(SECRET, { namespace: NAMESPACE, name });
}

test('a Service and a Secret of others are neither changed nor deleted; the annotation gives them to the cluster', async () => {
  const metadata = {
    name: 'taken-api',
    namespace: NAMESPACE,
    labels: { 'app.kubernetes.io/managed-by': 'Helm' },
  };
  const spec = { selector: { app: 'other' }, ports: [{ name: 'web', port: 80, protocol: 'TCP' }] };
  await fixture.client.create(SERVICE, { apiVersion: 'v1', kind: 'Service', metadata, spec });
  await using _operator = startOperator(fixture, NAMESPACE, OPERATOR);
  const key = { namespace: NAMESPACE, name: 'taken-api' };
  await fixture.applyCluster('taken', { gateway: { replicas: 1 } });
  await eventually(async () => {
    assert.match(
      await conditionsOf('taken'),
      /ForeignObject: .*Service taken-api .*managed by Helm.*openim\.io\/adopt=taken/,
    );
  }, LONG_MS);
  const kept = await fixture.client.get(SERVICE, key);
  assert.deepEqual(kept?.spec?.selector, { app: 'other' });
  assert.equal(kept?.metadata.ownerReferences, undefined);

  await fixture.client.patch(SERVICE, key, { metadata: { annotations: { 'openim.io/adopt': 'taken' } } });
  await eventually(async () => {
    const adopted = await fixture.client.get(SERVICE, key);
    assert.equal(adopted?.metadata.ownerReferences?.[0]?.name, 'taken');
    assert.doesNotMatch(await conditionsOf('taken'), /ForeignObject/);
  }, LONG_MS);

  const foreign = { name: 'locked-credentials', namespace: NAMESPACE };
  await fixture.client.create(SECRET, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: foreign,
    data: { a: 'Yg==' },
  });
  await fixture.applyCluster('locked', { gateway: { replicas: 1 }, deletionPolicy: 'Purge' });
  await eventually(async () => {
    assert.match(await conditionsOf('locked'), /ForeignObject: .*Secret locked-credentials/);
  }, LONG_MS);
  await fixture.client.delete(OPENIM_CLUSTER, { namespace: NAMESPACE, name: 'locked' });
  await eventually(async () => {
    assert.equal(
      await fixture.client.get(OPENIM_CLUSTER, { namespace: NAMESPACE, name: 'locked' }),
      undefined,
    );
  }, LONG_MS);
  assert.deepEqual((await secretOf('locked-credentials'))?.data, { a: 'Yg==' });
});

test('generated Secrets and claims are kept by GitOps tools, and what others wrote on them stays', async () => {
  await using _operator = startOperator(fixture, NAMESPACE, OPERATOR);
  await fixture.applyCluster('marked', { gateway: { replicas: 1 } });
  const claims = async () =>
    (
      await fixture.client.list(PERSISTENT_VOLUME_CLAIM, {
        namespace: NAMESPACE,
        labelSelector: 'openim.io/cluster=marked',
      })
    ).items;
  await eventually(async () => assert.equal((await claims()).length, 4), LONG_MS);
  for (const { metadata } of [
    ...(await claims()),
    await secretOf('marked-credentials'),
    await secretOf('marked-tenants'),
  ].flatMap((each) => each ?? [])) {
    assert.equal(metadata.annotations?.['argocd.argoproj.io/sync-options'], 'Prune=false', metadata.name);
    assert.equal(metadata.annotations?.['argocd.argoproj.io/compare-options'], 'IgnoreExtraneous');
    assert.equal(metadata.labels?.['openim.io/cluster'], 'marked');
  }
  const key = { namespace: NAMESPACE, name: 'marked-tenants' };
  const theirs = {
    annotations: { 'example.test/note': 'x', 'argocd.argoproj.io/sync-options': 'Delete=false' },
  };
  await fixture.client.patch(SECRET, key, { metadata: { ...theirs, finalizers: ['example.test/hold'] } });
  await eventually(async () => {
    const secret = await secretOf('marked-tenants');
    const options = secret?.metadata.annotations?.['argocd.argoproj.io/sync-options'];
    assert.equal(options, 'Delete=false,Prune=false');
    assert.equal(secret?.metadata.annotations?.['example.test/note'], 'x');
    assert.deepEqual(secret?.metadata.finalizers, ['example.test/hold']);
  }, LONG_MS);
  await fixture.client.patch(SECRET, key, { metadata: { finalizers: [] } });
});

for (const [title, name, spec] of [
  ['with claims', 'lost', { gateway: { replicas: 1 } }],
  [
    'without claims',
    'outer',
    {
      gateway: { replicas: 1 },
      nats: { external: { servers: ['nats://nats.test:4222'] } },
      mongodb: { external: { uriSecretRef: { name: 'outer-stores', key: 'mongodb' } } },
      redis: { external: { uriSecretRef: { name: 'outer-stores', key: 'redis' } } },
      objectStorage: {
        external: {
          endpoint: 'https://s3.test',
          credentialsSecretRef: { name: 'outer-stores', userKey: 'user', passwordKey: 'password' },
        },
      },
    },
  ],
] as const satisfies readonly (readonly [string, string, OpenIMClusterSpec])[]) {
  test(`lost credentials of a cluster ${title} are not generated again until the user accepts it`, async () => {
    const entries = { mongodb: 'mongodb://m.test', redis: 'redis://r.test', user: 'u', password: 'p' };
    if (name === 'outer') {
      const metadata = { name: 'outer-stores', namespace: NAMESPACE };
      const data = Object.fromEntries(
        Object.entries(entries).map(([k, v]) => [k, Buffer.from(v).toString('base64')]),
      );
      await fixture.client.create(SECRET, { apiVersion: 'v1', kind: 'Secret', metadata, data });
    }
    await using _operator = startOperator(fixture, NAMESPACE, OPERATOR);
    await fixture.applyCluster(name, spec);
    await eventually(async () => {
      const pods = await fixture.client.list(STATEFUL_SET, { namespace: NAMESPACE });
      assert.ok(name === 'outer' || pods.items.length > 0);
      const cluster = await fixture.client.get(OPENIM_CLUSTER, { namespace: NAMESPACE, name });
      assert.ok(cluster?.status?.gatewayRevision, await conditionsOf(name));
    }, LONG_MS);
    const secret = `${name}-credentials`;
    const first = decoded((await secretOf(secret))?.data);
    await fixture.client.delete(SECRET, { namespace: NAMESPACE, name: secret });
    const sign = name === 'outer' ? 'its workloads' : 'volume claim';
    await eventually(async () => {
      assert.match(
        await conditionsOf(name),
        new RegExp(`Accepted CredentialsLost: Secret ${secret} .*${sign}.*openim\\.io/new-credentials-at=`),
      );
    }, LONG_MS);
    assert.equal(await secretOf(secret), undefined);

    const acceptance = { 'openim.io/new-credentials-at': new Date().toISOString() };
    await fixture.client.patch(
      OPENIM_CLUSTER,
      { namespace: NAMESPACE, name },
      { metadata: { annotations: acceptance } },
    );
    await eventually(async () => {
      const second = decoded((await secretOf(secret))?.data);
      assert.ok(second.mongodbPassword);
      assert.notEqual(second.mongodbPassword, first.mongodbPassword);
      assert.doesNotMatch(await conditionsOf(name), /CredentialsLost/);
    }, LONG_MS);
  });
}
