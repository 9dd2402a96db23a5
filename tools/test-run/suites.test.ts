import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Lane, suitesOf } from './suites.ts';

const FILES = [
  'cli/test/dev.test.ts',
  'cli/proof/src/checker/check.test.ts',
  'tools/dev/kubernetes/test/control-plane.test.ts',
  'tools/dev/kubernetes/test/local-cluster.test.ts',
  'e2e/suites/behaviours/text.ts',
  'e2e/suites/chaos.test.ts',
  'e2e/suites/kubernetes/node-drain.test.ts',
  'e2e/suites/kubernetes/upgrade.test.ts',
  'e2e/suites/one-process.test.ts',
  'operator/kube/src/queue.test.ts',
  'operator/kube/test/election.test.ts',
  'operator/kube/test/informer.test.ts',
  'operator/test/create.test.ts',
  'operator/test/managed-stores.test.ts',
  'operator/test/scaling.test.ts',
  'services/console/test/cluster-resource.test.ts',
  'services/console/test/pages.test.ts',
  'services/user/test/presence.test.ts',
];

const lane = (wanted: Lane) =>
  suitesOf(FILES, [], 2)
    .filter(({ lane }) => lane === wanted)
    .map(({ name, files, timeoutMs }) => [name, files.length, timeoutMs / 60_000]);

test('each lane has its suites in order: what needs Kubernetes last, the shared cluster after the node, what needs room first', () => {
  assert.deepEqual(lane('first'), [['unit', 2, 2]]);
  assert.deepEqual(lane('packages'), [
    ['cli', 1, 10],
    ['services/console', 1, 10],
    ['tools/dev/kubernetes', 1, 10],
    ['operator/kube', 1, 10],
    ['operator', 2, 10],
    ['services/console cluster-resource', 1, 10],
  ]);
  assert.deepEqual(lane('waiting'), [
    ['operator/kube election', 1, 10],
    ['services/user presence', 1, 10],
  ]);
  assert.deepEqual(lane('processes'), [
    ['e2e chaos', 1, 20],
    ['e2e one-process', 1, 20],
  ]);
  assert.deepEqual(lane('kubernetes'), [
    ['tools/dev/kubernetes local-cluster', 1, 10],
    ['operator managed-stores', 1, 10],
    ['e2e kubernetes/upgrade', 1, 30],
    ['e2e kubernetes/node-drain', 1, 30],
  ]);
});

test('suites that start programs of Kubernetes are known', () => {
  const names = suitesOf(FILES, [], 2).flatMap(({ name, onKubernetes }) => (onKubernetes ? [name] : []));
  assert.deepEqual(names, [
    'tools/dev/kubernetes',
    'operator/kube',
    'operator',
    'services/console cluster-resource',
    'operator/kube election',
    'tools/dev/kubernetes local-cluster',
    'operator managed-stores',
    'e2e kubernetes/upgrade',
    'e2e kubernetes/node-drain',
  ]);
});

test('parts of paths choose files, also as a shell completes them', () => {
  const names = (...filters: string[]) => suitesOf(FILES, filters, 2).flatMap(({ files }) => [...files]);
  assert.deepEqual(names('./operator/test/'), [
    'operator/test/create.test.ts',
    'operator/test/scaling.test.ts',
    'operator/test/managed-stores.test.ts',
  ]);
  assert.deepEqual(names('suites/kubernetes'), [
    'e2e/suites/kubernetes/upgrade.test.ts',
    'e2e/suites/kubernetes/node-drain.test.ts',
  ]);
  assert.deepEqual(names('nothing'), []);
});
