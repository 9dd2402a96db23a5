import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@im/dev-kubernetes';
import {
  DEPLOYMENT,
  INGRESS,
  type KubeObject,
  NETWORK_POLICY,
  POD_DISRUPTION_BUDGET,
  type ResourceType,
  SERVICE,
  SERVICE_ACCOUNT,
} from '@im/kube';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import { conditionOf, startOperator, usableStores, useFixture } from './operator-fixture.ts';

const NAMESPACE = 'default';
/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 120_000;
const KINDS = [
  ...[DEPLOYMENT, SERVICE, INGRESS, NETWORK_POLICY, POD_DISRUPTION_BUDGET],
] as unknown as readonly ResourceType<KubeObject>[];

const fixture = useFixture(NAMESPACE);

/** Objects of the console, by kind. */
async function objectsOfConsole(): Promise<string[]> {
  const selector = { labelSelector: 'app.kubernetes.io/instance=chat,app.kubernetes.io/component=console' };
  const found = await Promise.all(
    KINDS.map(async (type) => {
      const { items } = await fixture.client.list(type, { namespace: NAMESPACE, ...selector });
      return items.map(({ metadata }) => `${type.kind}/${metadata.name}`);
    }),
  );
  return found.flat().sort();
}

async function settled(): Promise<void> {
  await eventually(async () => {
    const cluster = await fixture.clusterOf('chat');
    assert.equal(cluster.status?.observedGeneration, cluster.metadata.generation);
    const { status, message } = conditionOf(cluster, 'Progressing');
    assert.equal(status, 'False', message);
  }, LONG_MS);
}

const consoleOf = async () => {
  const { status } = await fixture.clusterOf('chat');
  return {
    component: status?.components?.find(({ name }) => name === 'console'),
    address: status?.endpoints?.console,
  };
};

test('replicas give the console pods of its own, and without them api serves it again', async () => {
  const operator = { version: '0.1.0', image: 'openim/openim-operator:1' };
  await using _operator = startOperator(fixture, NAMESPACE, operator, { storeChecks: usableStores });
  await fixture.applyCluster('chat', {});
  await settled();
  assert.deepEqual(await objectsOfConsole(), []);
  assert.deepEqual(await consoleOf(), {
    component: undefined,
    address: 'http://chat-api.default.svc:10002/console/',
  });

  await fixture.applyCluster('chat', {
    console: {
      ...{ replicas: 2, path: '/ops/im/', ingress: { host: 'console.example.com', tlsSecretName: 'tls' } },
      resources: { requests: { cpu: '10m' } },
      podTemplate: { labels: { team: 'moderation' } },
    },
  });
  await settled();
  assert.deepEqual(await objectsOfConsole(), [
    'Deployment/chat-console',
    'Ingress/chat-console',
    'NetworkPolicy/chat-console-clients',
    'PodDisruptionBudget/chat-console',
    'Service/chat-console',
  ]);
  const { component, address } = await consoleOf();
  assert.deepEqual([component?.ready, component?.desired], [2, 2]);
  assert.equal(address, 'https://console.example.com/ops/im/');
  const deployment = await fixture.client.get(DEPLOYMENT, { namespace: NAMESPACE, name: 'chat-console' });
  const template = deployment?.spec?.template;
  const [container] = template?.spec?.containers ?? [];
  assert.deepEqual(container?.args?.slice(0, 2), ['serve', 'console']);
  assert.deepEqual(container?.resources?.requests, { cpu: '10m' });
  assert.equal(template?.metadata?.labels?.team, 'moderation');
  // It reads nothing of Kubernetes with the rights of anyone.
  const name = template?.spec?.serviceAccountName ?? '';
  const account = await fixture.client.get(SERVICE_ACCOUNT, { namespace: NAMESPACE, name });
  assert.equal(account?.automountServiceAccountToken, false);
  assert.notEqual(template?.spec?.automountServiceAccountToken, true);
  assert.doesNotMatch(JSON.stringify(template?.spec?.volumes), /serviceAccountToken/);
  // It knows which resource is its own, for people with tokens of their own.
  assert.partialDeepStrictEqual(
    Object.fromEntries((container?.env ?? []).map((each) => [each.name, each.value])),
    {
      OPENIM_API_CONSOLE_RESOURCE_NAMESPACE: NAMESPACE,
      OPENIM_API_CONSOLE_RESOURCE_NAME: 'chat',
    },
  );

  await fixture.applyCluster('chat', { console: { path: '/ops/im/' } });
  await settled();
  await eventually(async () => assert.deepEqual(await objectsOfConsole(), []), LONG_MS);
  assert.deepEqual(await consoleOf(), {
    component: undefined,
    address: 'http://chat-api.default.svc:10002/ops/im/',
  });
});

test('what cannot be served is refused by the API server, which names field and remedy', async () => {
  const refused = async (console: OpenIMClusterSpec['console'], message: RegExp) =>
    await assert.rejects(fixture.applyCluster('bad', { console }), message);
  const resources = { requests: { cpu: '1' } };
  await refused({ resources }, /spec\.console\.resources.*needs replicas.*spec\.api\.resources/);
  await refused({ podTemplate: {} }, /spec\.console\.podTemplate.*needs replicas/);
  await refused({ service: {} }, /spec\.console\.service.*needs replicas/);
  await refused({ replicas: 0 }, /spec\.console\.replicas/);
  for (const path of ['/', 'ops/', '/ops', '/a b/', '/../', '/a//b/', '/_a/'])
    await refused({ path }, /spec\.console\.path/);
  await refused({ path: '/t/x/' }, /must not begin with \/t\/.*HTTP API/);
  const oidc = [
    {
      name: 'sso',
      issuer: 'https://sso.example.com',
      clientID: 'im',
      rules: [{ values: ['a'], role: 'viewer', tenants: ['*'] }],
    },
  ] as const;
  await refused({ oidc }, /spec\.console\.publicURL.*unless ingress or httpRoute name a host/);
  await fixture.applyCluster('good', { console: { oidc, ingress: { host: 'console.example.com' } } });
});
