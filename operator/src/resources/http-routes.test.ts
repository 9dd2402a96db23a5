import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveSpec } from './effective.ts';
import { httpRoutes } from './http-routes.ts';
import { gatewayService } from './services.ts';

const owner = { name: 'chat', namespace: 'im', uid: 'u' };
const operator = { version: '1.0.0', image: 'im:1.0.0' };
const httpRoute = {
  parentRefs: [{ name: 'public', namespace: 'infra', sectionName: 'https' }],
  hostnames: ['im.example.com'],
  annotations: { team: 'chat' },
};

test('gateways and objects are reached through a Gateway without a time limit, the API with that of the Gateway', () => {
  const spec = {
    gateway: { httpRoute, service: { port: 80 } },
    api: { httpRoute },
    objectStorage: { managed: { httpRoute } },
  };
  const routes = httpRoutes(owner, effectiveSpec(spec, operator));
  assert.deepEqual(
    routes.map(({ metadata, spec: made }) => [metadata?.name, made?.rules]),
    [
      ['chat-gateway', '0s', 80],
      ['chat-api', undefined, 10_002],
      ['chat-object-storage', '0s', 8_333],
    ].map(([name, request, port]) => [
      name,
      [
        {
          matches: [{ path: { type: 'PathPrefix', value: '/' } }],
          ...(request !== undefined && { timeouts: { request } }),
          backendRefs: [{ group: '', kind: 'Service', name, port, weight: 1 }],
        },
      ],
    ]),
  );
  const [route] = routes;
  assert.deepEqual(route?.metadata?.annotations, { team: 'chat' });
  assert.deepEqual(route?.spec?.parentRefs, [
    { group: 'gateway.networking.k8s.io', kind: 'Gateway', ...httpRoute.parentRefs[0] },
  ]);
  assert.deepEqual(route.spec.hostnames, ['im.example.com']);
});

test('the Service of the gateways names its protocol for a Gateway only', () => {
  const protocolWith = (gateway: object) =>
    gatewayService(owner, effectiveSpec({ gateway }, operator), 'r').spec?.ports?.[0]?.appProtocol;
  assert.equal(protocolWith({ httpRoute }), 'kubernetes.io/ws');
  assert.equal(protocolWith({}), undefined);
  assert.deepEqual(httpRoutes(owner, effectiveSpec({}, operator)), []);
});
