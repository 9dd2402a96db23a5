import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import { effectiveSpec } from '../src/resources/effective.ts';
import { API_VERSION } from '../src/resources/names.ts';
import { clusterFaults, clustersOf, type Manifest, manifestsOf, ROOT } from './manifests.ts';

const DIR = join(ROOT, 'docs/samples');
const operator = { version: '1.2.3', image: 'openim/openim-operator:1.2.3' };

function sample(file: string): Manifest[] {
  return manifestsOf(readFileSync(join(DIR, file), 'utf8'));
}

/** Rights of those who look at the console; applied by its tests. */
const WITHOUT_CLUSTER = ['console-viewer.yaml'];

for (const file of readdirSync(DIR).filter(
  (name) => name.endsWith('.yaml') && !WITHOUT_CLUSTER.includes(name),
)) {
  test(`${file} is a cluster that the schema allows, with the Secrets that it names`, () => {
    const manifests = sample(file);
    const clusters = clustersOf(manifests);
    assert.equal(clusters.length, 1);
    for (const cluster of clusters) {
      assert.equal(cluster.apiVersion, API_VERSION);
      assert.deepEqual(clusterFaults(cluster), []);
      assert.deepEqual(
        secretKeys(cluster.spec).filter(([name, key]) => !hasKey(manifests, name, key)),
        [],
      );
    }
    const namespaces = new Set(
      manifests.filter((m) => m.kind !== 'Namespace').map((m) => m.metadata.namespace),
    );
    assert.deepEqual([...namespaces], ['im']);
  });
}

/** Name and key of every Secret that the values in force refer to. */
function secretKeys(spec: OpenIMClusterSpec): [string, string][] {
  const { nats, mongodb, redis, objectStorage } = effectiveSpec(spec, operator);
  const credentials = [
    nats.kind === 'external' ? nats.credentialsSecretRef : undefined,
    objectStorage.kind === 'external' ? objectStorage.credentialsSecretRef : undefined,
  ].filter((ref) => ref !== undefined);
  const uris = [mongodb, redis].flatMap((store) => (store.kind === 'external' ? [store.uriSecretRef] : []));
  return [
    ...credentials.flatMap(({ name, userKey, passwordKey }): [string, string][] => [
      [name, userKey],
      [name, passwordKey],
    ]),
    ...uris.map(({ name, key }): [string, string] => [name, key]),
  ];
}

function hasKey(manifests: readonly Manifest[], name: string, key: string): boolean {
  return manifests.some(
    (each) =>
      each.kind === 'Secret' &&
      each.metadata.name === name &&
      'stringData' in each &&
      key in (each.stringData as object),
  );
}

test('development.yaml is what its comment promises', () => {
  const [cluster] = clustersOf(sample('development.yaml'));
  assert.ok(cluster);
  const { gateway, api, rpc, transfer, objectStorage } = effectiveSpec(cluster.spec, operator);
  assert.equal(cluster.metadata.name, 'chat');
  assert.deepEqual([gateway.service.nodePort, api.service.nodePort], [30_001, 30_002]);
  assert.equal(objectStorage.kind === 'managed' && objectStorage.service.nodePort, 30_833);
  assert.deepEqual([gateway.replicas, rpc.replicas, transfer.replicas], [2, 2, 2]);
  for (const [url, port] of [
    [gateway.publicURL, 30_001],
    [api.publicURL, 30_002],
    [objectStorage.publicURL, 30_833],
  ] as const) {
    assert.equal(new URL(url ?? '').port, String(port));
  }
});

test('a field that does not exist, and a value out of range, would be found', () => {
  const [cluster] = clustersOf(sample('development.yaml'));
  assert.ok(cluster);
  const wrong = { ...cluster, spec: { gateway: { replica: 2, replicas: 0 }, profile: 'Test', image: 3 } };
  assert.deepEqual(clusterFaults(wrong), [
    'chat.spec.gateway.replica: unknown field',
    'chat.spec.gateway.replicas: 0 is out of range',
    'chat.spec.profile: none of Development, Production',
    'chat.spec.image: not of type string',
  ]);
});
