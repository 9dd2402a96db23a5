import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientEndpoints } from '../controllers/cluster/endpoints.ts';
import type { OpenIMClusterSpec } from '../gen/openimcluster.ts';
import { disruptionBudgets } from './disruption-budgets.ts';
import { effectiveSpec } from './effective.ts';
import { httpRoutes } from './http-routes.ts';
import { networkPolicies } from './network-policies.ts';
import { consoleServices, ingresses } from './services.ts';

const owner = { name: 'chat', namespace: 'im', uid: 'u' };
const ingress = { host: 'console.example.com' };
const httpRoute = { parentRefs: [{ name: 'public' }], hostnames: ['console.example.com'] };

const effectiveOf = (spec: OpenIMClusterSpec) => effectiveSpec(spec, { version: '1.0.0', image: 'im:1' });
const addressOf = (spec: OpenIMClusterSpec) =>
  clientEndpoints({ owner, effective: effectiveOf(spec), services: {} }).console;
/** Where the Ingress of the console leads, by path. */
const pathsOf = (spec: OpenIMClusterSpec) =>
  ingresses(owner, effectiveOf(spec))
    .filter(({ metadata }) => metadata?.name === 'chat-console')
    .flatMap(({ spec: made }) => made?.rules?.flatMap(({ http }) => http?.paths ?? []) ?? [])
    .map(({ path, backend: { service } }) => `${path} ${service?.name}:${service?.port?.number}`);

test('browsers have the console at its own host, else at that of the API', () => {
  assert.equal(addressOf({}), 'http://chat-api.im.svc:10002/console/');
  assert.equal(
    addressOf({ api: { publicURL: 'https://im.example.com' } }),
    'https://im.example.com/console/',
  );
  const console = { path: '/ops/im/', ingress };
  assert.equal(addressOf({ console }), 'https://console.example.com/ops/im/');
  assert.equal(addressOf({ console: { httpRoute } }), 'https://console.example.com/console/');
  assert.equal(
    addressOf({ console: { ingress, publicURL: 'https://im.example.com/t/a' } }),
    'https://im.example.com/t/a/console/',
  );
  const own = { api: { publicURL: 'https://im.example.com' }, console: { replicas: 1 } };
  assert.equal(addressOf(own), 'http://chat-console.im.svc:10002/console/', 'api does not serve it');
  assert.equal(addressOf({ console: { enabled: false, replicas: 1, ingress } }), undefined);
});

test('an Ingress leads its path alone to whatever serves the console', () => {
  assert.deepEqual(pathsOf({ console: { ingress } }), ['/console/ chat-api:10002']);
  const own = { ingress, replicas: 2, path: '/ops/', service: { port: 80 } };
  assert.deepEqual(pathsOf({ console: own }), ['/ops/ chat-console:80', '/ chat-console:80']);
  assert.deepEqual(
    pathsOf({ console: own, api: { ingress } }),
    ['/ops/ chat-console:80'],
    'the rest is the API',
  );
  assert.deepEqual(pathsOf({ console: { ...own, enabled: false } }), []);
});

test('an HTTPRoute does the same', () => {
  const rulesOf = (spec: OpenIMClusterSpec) =>
    httpRoutes(owner, effectiveOf(spec)).find(({ metadata }) => metadata?.name === 'chat-console')?.spec
      ?.rules;
  const backendRefs = (name: string) => [{ group: '', kind: 'Service', name, port: 10_002, weight: 1 }];
  const path = { path: { type: 'PathPrefix', value: '/console/' } };
  assert.deepEqual(rulesOf({ console: { httpRoute } }), [
    { matches: [path], backendRefs: backendRefs('chat-api') },
  ]);
  const root = { path: { type: 'Exact', value: '/' } };
  assert.deepEqual(rulesOf({ console: { httpRoute, replicas: 1 } }), [
    { matches: [path, root], backendRefs: backendRefs('chat-console') },
  ]);
  const shared = { console: { httpRoute, replicas: 1 }, api: { httpRoute } };
  assert.deepEqual(rulesOf(shared), [{ matches: [path], backendRefs: backendRefs('chat-console') }]);
});

test('pods of its own have a Service, a budget and a policy; without them there is none', () => {
  const namesOf = (spec: OpenIMClusterSpec) => {
    const effective = effectiveOf(spec);
    return [
      ...consoleServices(owner, effective),
      ...disruptionBudgets(owner, effective),
      ...networkPolicies(owner, effective, 'system'),
    ]
      .map(({ kind, metadata }) => `${kind}/${metadata?.name}`)
      .filter((name) => name.includes('console'));
  };
  assert.deepEqual(namesOf({ console: { replicas: 1 } }), [
    'Service/chat-console',
    'PodDisruptionBudget/chat-console',
    'NetworkPolicy/chat-console-clients',
  ]);
  assert.deepEqual(namesOf({ console: {} }), []);
  assert.deepEqual(namesOf({ console: { replicas: 1, enabled: false } }), []);
});
