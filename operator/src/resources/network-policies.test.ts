import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import type { OpenIMClusterSpec } from '../gen/openimcluster.ts';
import { effectiveSpec } from './effective.ts';
import { networkPolicies } from './network-policies.ts';

const owner = { name: 'chat', namespace: 'im', uid: 'u' };

function policiesOf(spec: OpenIMClusterSpec) {
  const effective = effectiveSpec(spec, { version: '1.0.0', image: 'im:1.0.0' });
  const policies = networkPolicies(owner, effective, 'openim-system');
  return new Map(policies.map(({ metadata, spec: rules }) => [metadata?.name, rules]));
}

const EXTERNAL: OpenIMClusterSpec = {
  nats: { external: { servers: ['nats://n.test'] } },
  mongodb: { external: { uriSecretRef: { name: 'm' } } },
  redis: { external: { uriSecretRef: { name: 'r' } } },
  objectStorage: { external: { endpoint: 'https://s.test', credentialsSecretRef: { name: 's' } } },
};

test('clients reach gateway, API and managed object storage, each at one port', () => {
  const policies = policiesOf({});
  assert.deepEqual(
    [...policies.keys()],
    ['chat-inner', 'chat-gateway-clients', 'chat-api-clients', 'chat-object-storage-clients'],
  );
  assert.equal(
    stringify(policies.get('chat-gateway-clients')),
    `podSelector:
  matchLabels:
    app.kubernetes.io/name: openim
    app.kubernetes.io/instance: chat
    app.kubernetes.io/component: gateway
policyTypes:
  - Ingress
ingress:
  - ports:
      - port: ws
        protocol: TCP
`,
  );
});

test('with external stores only components, the operator and monitoring are admitted, the latter two to ops ports', () => {
  const policies = policiesOf({ ...EXTERNAL, networkPolicy: { monitoringNamespaces: ['monitoring'] } });
  assert.equal(policies.has('chat-object-storage-clients'), false);
  assert.equal(
    stringify(policies.get('chat-inner')?.ingress),
    `- from:
    - podSelector:
        matchLabels:
          app.kubernetes.io/name: openim
          app.kubernetes.io/instance: chat
- from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: openim-system
  ports:
    - port: 10300
      protocol: TCP
- from:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: monitoring
  ports:
    - port: 10300
      protocol: TCP
`,
  );
});

test('the operator reaches the ports of managed stores, which it checks', () => {
  const ports = (spec: OpenIMClusterSpec) =>
    policiesOf(spec)
      .get('chat-inner')
      ?.ingress?.[1]?.ports?.map(({ port }) => port);
  assert.deepEqual(ports({}), [10_300, 4_222, 8_222, 27_017, 6_379, 8_333]);
  assert.deepEqual(ports({ redis: EXTERNAL.redis }), [10_300, 4_222, 8_222, 27_017, 8_333]);
  assert.deepEqual(ports(EXTERNAL), [10_300]);
});

test('networkPolicy.enabled: false makes none', () => {
  assert.equal(policiesOf({ networkPolicy: { enabled: false } }).size, 0);
});
