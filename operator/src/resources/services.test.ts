import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { effectiveSpec } from './effective.ts';
import { apiService, gatewayService, ingresses, rpcService } from './services.ts';

const owner = { name: 'chat', namespace: 'im', uid: 'u' };
const operator = { version: '1.0.0', image: 'im:1.0.0' };

test('the Service of the gateways selects one revision', () => {
  const { spec } = gatewayService(owner, effectiveSpec({}, operator), 'abc');
  assert.equal(
    stringify(spec),
    `type: ClusterIP
selector:
  app.kubernetes.io/name: openim
  app.kubernetes.io/instance: chat
  app.kubernetes.io/component: gateway
  openim.io/gateway-revision: abc
ports:
  - name: ws
    port: 10001
    targetPort: ws
    protocol: TCP
`,
  );
});

test('type, port, node port and annotations come from the spec', () => {
  const service = { type: 'NodePort', port: 80, nodePort: 30_080, annotations: { zone: 'a' } } as const;
  const { metadata, spec } = apiService(owner, effectiveSpec({ api: { service } }, operator));
  assert.deepEqual(metadata?.annotations, { zone: 'a' });
  assert.equal(spec?.type, 'NodePort');
  assert.deepEqual(spec?.ports, [
    { name: 'http', port: 80, targetPort: 'http', protocol: 'TCP', nodePort: 30_080 },
  ]);
});

test('other fields of a Service come from the spec, and labels of the operator stay', () => {
  const fields = {
    externalTrafficPolicy: 'Local',
    loadBalancerClass: 'example.com/internal',
    loadBalancerSourceRanges: ['192.0.2.0/24'],
    ipFamilyPolicy: 'PreferDualStack',
    sessionAffinity: 'ClientIP',
  } as const;
  const labels = { team: 'chat', 'app.kubernetes.io/component': 'theirs' };
  const service = { type: 'LoadBalancer', labels, ...fields } as const;
  const effective = effectiveSpec({ gateway: { service } }, operator);
  const plain = gatewayService(owner, effectiveSpec({}, operator), 'r');
  const made = gatewayService(owner, effective, 'r');
  assert.deepEqual(made.metadata?.labels, { ...plain.metadata?.labels, team: 'chat' });
  assert.deepEqual(made.spec, { ...plain.spec, type: 'LoadBalancer', ...fields });
});

test('the Service of rpc is headless and has a port per domain', () => {
  const { spec } = rpcService(owner);
  assert.equal(spec?.clusterIP, 'None');
  assert.deepEqual(
    spec?.ports?.map(({ name, targetPort }) => [name, targetPort]),
    ['auth', 'user', 'msg', 'conversation', 'group', 'relation', 'third'].map((name) => [name, name]),
  );
});

test('all Services are owned by the cluster', () => {
  const effective = effectiveSpec({}, operator);
  for (const { metadata } of [
    rpcService(owner),
    apiService(owner, effective),
    gatewayService(owner, effective, 'r'),
  ]) {
    assert.deepEqual(metadata?.ownerReferences, [
      {
        apiVersion: 'openim.io/v1alpha1',
        kind: 'OpenIMCluster',
        name: 'chat',
        uid: 'u',
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
  }
});

test('an Ingress exists only where the spec has one, with TLS when a Secret is named', () => {
  assert.deepEqual(ingresses(owner, effectiveSpec({}, operator)), []);
  const spec = {
    gateway: { ingress: { host: 'im.test', className: 'nginx', tlsSecretName: 'im-tls' } },
    api: { ingress: { host: 'api.test' }, service: { port: 80 } },
  };
  const [gateway, api, ...others] = ingresses(owner, effectiveSpec(spec, operator));
  assert.deepEqual(others, []);
  assert.equal(
    stringify(gateway?.spec),
    `ingressClassName: nginx
tls:
  - hosts:
      - im.test
    secretName: im-tls
rules:
  - host: im.test
    http:
      paths:
        - path: /
          pathType: Prefix
          backend:
            service:
              name: chat-gateway
              port:
                number: 10001
`,
  );
  assert.equal(api?.spec?.tls, undefined);
  assert.equal(api?.spec?.rules?.[0]?.http?.paths[0]?.backend.service?.port?.number, 80);
});
