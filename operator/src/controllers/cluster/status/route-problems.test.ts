import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stored } from '@im/kube';
import type { HTTPRoute } from '../../../resources/http-routes.ts';
import { routeProblems } from './route-problems.ts';

const NOW = Date.parse('2026-01-01T00:10:00Z');
const parentRef = { name: 'public', namespace: 'infra' };
const route = (status: HTTPRoute['status'], component = 'api', age = 600): Stored<HTTPRoute> => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: {
    ...{ name: `chat-${component}`, uid: 'x', resourceVersion: '1' },
    labels: { 'app.kubernetes.io/component': component },
    creationTimestamp: new Date(NOW - age * 1_000).toISOString(),
  },
  spec: { parentRefs: [parentRef] },
  ...(status && { status }),
});
const parent = (type: string, is: string) => ({
  parentRef,
  conditions: [
    { type, status: is, reason: 'NotAllowedByListeners', message: 'no listener admits this namespace' },
  ],
});

test('a route that a gateway does not accept is named, with field and remedy', () => {
  const accepted = parent('Accepted', 'True');
  assert.deepEqual(routeProblems([route({ parents: [accepted] })], NOW), []);
  const [problem] = routeProblems([route({ parents: [accepted, parent('Accepted', 'False')] })], NOW);
  assert.equal(problem?.reason, 'RouteNotAccepted');
  assert.equal(
    problem?.message,
    'HTTPRoute chat-api: Gateway infra/public does not accept it (NotAllowedByListeners: no listener admits this namespace); correct spec.api.httpRoute, or change the Gateway',
  );
  const [unresolved] = routeProblems(
    [route({ parents: [parent('ResolvedRefs', 'False')] }, 'object-storage')],
    NOW,
  );
  assert.match(unresolved?.message ?? '', /correct spec\.objectStorage\.managed\.httpRoute/);
  assert.deepEqual(routeProblems([route({ parents: [parent('Programmed', 'False')] })], NOW), []);
});

test('a route that no controller takes is named after a minute', () => {
  assert.deepEqual(routeProblems([route(undefined, 'gateway', 50)], NOW), []);
  const [problem] = routeProblems([route({ parents: [] }, 'gateway', 70)], NOW);
  assert.equal(problem?.reason, 'RouteNotTaken');
  assert.match(
    problem?.message ?? '',
    /no controller has looked at it for Gateway infra\/public; correct spec\.gateway\.httpRoute\.parentRefs/,
  );
});
