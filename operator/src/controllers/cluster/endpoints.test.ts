import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '@im/kube';
import type { OpenIMClusterSpec } from '../../gen/openimcluster.ts';
import { effectiveSpec } from '../../resources/effective.ts';
import { clientEndpoints, type EndpointSources, steadyObjectsURL } from './endpoints.ts';

const owner = { name: 'chat', namespace: 'im', uid: 'u' };

function sources(spec: OpenIMClusterSpec, change: Partial<EndpointSources> = {}): EndpointSources {
  const effective = effectiveSpec(spec, { version: '1.0.0', image: 'im:1' });
  return { owner, effective, services: {}, ...change };
}

const onNodePort = (nodePort?: number): Service => ({
  spec: { ports: [{ port: 10_002, ...(nodePort === undefined ? {} : { nodePort }) }] },
});

test('endpoints by manifest, Ingress, load balancer, node port, or the name inside the cluster', () => {
  assert.equal(
    clientEndpoints(sources({ api: { publicURL: 'https://im.example.com' } })).api,
    'https://im.example.com',
  );
  const ingress = { host: 'im.example.com', tlsSecretName: 'tls' };
  assert.equal(clientEndpoints(sources({ gateway: { ingress } })).webSocket, 'wss://im.example.com');
  const httpRoute = { parentRefs: [{ name: 'public' }], hostnames: ['a.example.com', 'b.example.com'] };
  assert.equal(clientEndpoints(sources({ gateway: { httpRoute } })).webSocket, 'wss://a.example.com');
  assert.equal(clientEndpoints(sources({ api: { httpRoute } })).api, 'https://a.example.com');
  assert.equal(
    clientEndpoints(sources({ gateway: { httpRoute, ingress } })).webSocket,
    'wss://im.example.com',
  );
  const routed: OpenIMClusterSpec = { objectStorage: { managed: { httpRoute } } };
  assert.deepEqual(steadyObjectsURL(sources(routed), undefined), {
    url: 'https://a.example.com',
    pending: false,
  });
  const balanced: Service = {
    spec: { ports: [{ port: 80, nodePort: 31_000 }] },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.7' }] } },
  };
  assert.equal(clientEndpoints(sources({}, { services: { api: balanced } })).api, 'http://192.0.2.7:80');
  const at = { services: { api: onNodePort(30_002) }, nodeAddress: '192.0.2.1' };
  assert.equal(clientEndpoints(sources({}, at)).api, 'http://192.0.2.1:30002');
  assert.equal(
    clientEndpoints(sources({}, { services: { api: onNodePort() } })).api,
    'http://chat-api.im.svc:10002',
  );
});

test('IPv6 addresses are in brackets', () => {
  const balanced: Service = {
    spec: { ports: [{ port: 80 }] },
    status: { loadBalancer: { ingress: [{ ip: '2001:db8::7' }] } },
  };
  assert.equal(clientEndpoints(sources({}, { services: { api: balanced } })).api, 'http://[2001:db8::7]:80');
  const at = { services: { api: onNodePort(30_002) }, nodeAddress: 'fd00::1' };
  assert.equal(clientEndpoints(sources({}, at)).api, 'http://[fd00::1]:30002');
});

test('the URL of objects stays when pods move to other nodes, and is waited for when a Service has no address yet', () => {
  const spec: OpenIMClusterSpec = { objectStorage: { managed: { service: { type: 'NodePort' } } } };
  const service = onNodePort(30_833);
  const there = { services: { 'object-storage': service }, nodeAddress: '192.0.2.2' };
  assert.deepEqual(steadyObjectsURL(sources(spec, { services: { 'object-storage': service } }), undefined), {
    url: 'http://chat-object-storage.im.svc:10002',
    pending: true,
  });
  assert.deepEqual(steadyObjectsURL(sources(spec, there), undefined), {
    url: 'http://192.0.2.2:30833',
    pending: false,
  });
  assert.equal(
    steadyObjectsURL(sources(spec, there), 'http://192.0.2.1:30833').url,
    'http://192.0.2.1:30833',
  );
  assert.equal(
    steadyObjectsURL(sources(spec, there), 'http://192.0.2.1:31111').url,
    'http://192.0.2.2:30833',
    'another port is another address',
  );
  assert.equal(
    steadyObjectsURL(sources({}), undefined).pending,
    false,
    'inside the cluster it is known at once',
  );
});

test('a URL inside the cluster is the same before and after its Service exists', () => {
  const spec: OpenIMClusterSpec = { objectStorage: { managed: { service: { port: 8_333 } } } };
  const service: Service = { spec: { ports: [{ port: 8_333 }] } };
  const before = steadyObjectsURL(sources(spec), undefined);
  assert.deepEqual(before, { url: 'http://chat-object-storage.im.svc:8333', pending: false });
  assert.deepEqual(
    steadyObjectsURL(sources(spec, { services: { 'object-storage': service } }), undefined),
    before,
  );
});
