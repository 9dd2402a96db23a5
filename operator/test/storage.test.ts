import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@im/dev-kubernetes';
import {
  CONFIG_MAP,
  DEPLOYMENT,
  type KubeObject,
  PERSISTENT_VOLUME_CLAIM,
  POD,
  resourceType,
  STATEFUL_SET,
} from '@im/kube';
import type { OpenIMClusterSpec } from '../src/gen/openimcluster.ts';
import { startOperator, usableStores, useFixture } from './operator-fixture.ts';

const NAMESPACE = 'default';
/** Ends a test that hangs; no test depends on the machine's speed. */
const LONG_MS = 120_000;
const OPERATOR = { version: '0.1.0', image: 'openim/openim-operator:1' };
const STORAGE_CLASS = resourceType<KubeObject>(
  'storage.k8s.io/v1',
  'StorageClass',
  'storageclasses',
  'Cluster',
);

const fixture = useFixture(NAMESPACE);

async function applyClass(name: string, allowVolumeExpansion: boolean): Promise<void> {
  const object = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name },
    provisioner: 'test.openim.io/none',
    allowVolumeExpansion,
  };
  await fixture.client.apply(STORAGE_CLASS, object, { fieldManager: 'person' });
}

async function resizedOf(name: string) {
  const { status } = await fixture.clusterOf(name);
  const found = status?.conditions?.find(({ type }) => type === 'StorageResized');
  assert.ok(found);
  return found;
}

async function settled(name: string): Promise<void> {
  await eventually(async () => {
    const { status, metadata } = await fixture.clusterOf(name);
    assert.equal(status?.observedGeneration, metadata.generation);
    const progressing = status?.conditions?.find(({ type }) => type === 'Progressing');
    assert.equal(progressing?.status, 'False', progressing?.message);
  }, LONG_MS);
}

const claimOf = (store: string) =>
  fixture.client.get(PERSISTENT_VOLUME_CLAIM, { namespace: NAMESPACE, name: `data-${store}-0` });

/** What a driver does: binds the claim to a volume of this size. */
async function bind(store: string, capacity: string): Promise<void> {
  const key = { namespace: NAMESPACE, name: `data-${store}-0` };
  if (!(await claimOf(store))?.spec?.volumeName) {
    await fixture.client.patch(PERSISTENT_VOLUME_CLAIM, key, { spec: { volumeName: `volume-${store}` } });
  }
  const status = { phase: 'Bound', accessModes: ['ReadWriteOnce'], capacity: { storage: capacity } };
  await fixture.client.patchStatus(PERSISTENT_VOLUME_CLAIM, key, status);
}

const fileStore = async (name: string) => {
  const map = await fixture.client.get(CONFIG_MAP, { namespace: NAMESPACE, name: `${name}-nats` });
  return Number(/max_file_store: (\d+)/.exec(map?.data?.['nats.conf'] ?? '')?.[1]);
};

const natsOf = (size: string, storageClassName: string): OpenIMClusterSpec => ({
  gateway: { replicas: 1 },
  nats: { managed: { storage: { size, storageClassName } } },
});

test('a volume that cannot grow is reported with the remedy, stops nothing, and the wish can be taken back', async () => {
  await applyClass('rigid', false);
  await using operator = startOperator(fixture, NAMESPACE, OPERATOR, { storeChecks: usableStores });
  await fixture.applyCluster('rigid', natsOf('10Gi', 'rigid'));
  await settled('rigid');
  await bind('rigid-nats', '10Gi');
  const image = 'openim/openim-operator:2';
  await fixture.applyCluster('rigid', { ...natsOf('30Gi', 'rigid'), image, gateway: { replicas: 2 } });
  await eventually(async () => {
    const { reason, message } = await resizedOf('rigid');
    assert.equal(reason, 'Refused', message);
    assert.match(
      message,
      /data-rigid-nats-0: the volume stays at 10Gi: .*; use a StorageClass with allowVolumeExpansion: true, or set spec\.nats\.managed\.storage\.size back to 10Gi/,
    );
    const { status } = await fixture.clusterOf('rigid');
    const volume = status?.volumes?.find(({ store }) => store === 'nats');
    assert.deepEqual([volume?.requested, volume?.capacity], ['30Gi', '10Gi']);
  }, LONG_MS);
  await settled('rigid');
  const rpc = await fixture.client.get(DEPLOYMENT, { namespace: NAMESPACE, name: 'rigid-rpc' });
  assert.equal(rpc?.spec?.template.spec?.containers[0]?.image, image, 'the rollout went on');
  assert.equal(await fileStore('rigid'), Math.floor(10 * 2 ** 30 * 0.9), 'NATS has the limits of its volume');
  assert.ok(operator.events.some(({ reason }) => reason === 'StorageResizeRefused'));

  await fixture.applyCluster('rigid', { ...natsOf('10Gi', 'rigid'), image });
  await eventually(async () => assert.equal((await resizedOf('rigid')).reason, 'UpToDate'), LONG_MS);

  await applyClass('rigid', true);
  await fixture.applyCluster('rigid', { ...natsOf('20Gi', 'rigid'), image });
  await eventually(async () => {
    assert.equal((await claimOf('rigid-nats'))?.spec?.resources?.requests?.storage, '20Gi');
    assert.equal((await resizedOf('rigid')).reason, 'Resizing');
  }, LONG_MS);
  assert.equal(await fileStore('rigid'), Math.floor(10 * 2 ** 30 * 0.9), 'not before the volume has grown');
  await bind('rigid-nats', '20Gi');
  await eventually(async () => {
    assert.equal((await resizedOf('rigid')).reason, 'UpToDate');
    assert.equal(await fileStore('rigid'), Math.floor(20 * 2 ** 30 * 0.9));
  }, LONG_MS);
});

test('a StorageClass can be corrected until there is a volume, and is refused with a remedy afterwards', async () => {
  await applyClass('fast', true);
  await using _operator = startOperator(fixture, NAMESPACE, OPERATOR, { storeChecks: usableStores });
  await fixture.applyCluster('typo', natsOf('10Gi', 'fsat'));
  await settled('typo');
  const before = (await claimOf('typo-nats'))?.metadata.uid;
  assert.ok(before);
  await bind('typo-redis', '5Gi');
  const redis = await fixture.client.get(POD, { namespace: NAMESPACE, name: 'typo-redis-0' });

  await fixture.applyCluster('typo', natsOf('10Gi', 'fast'));
  await eventually(async () => {
    const claim = await claimOf('typo-nats');
    assert.equal(claim?.spec?.storageClassName, 'fast');
    assert.notEqual(claim.metadata.uid, before);
    const set = await fixture.client.get(STATEFUL_SET, { namespace: NAMESPACE, name: 'typo-nats' });
    assert.equal(set?.spec?.volumeClaimTemplates?.[0]?.spec?.storageClassName, 'fast');
  }, LONG_MS);
  await settled('typo');
  const after = await fixture.client.get(POD, { namespace: NAMESPACE, name: 'typo-redis-0' });
  assert.equal(after?.metadata.uid, redis?.metadata.uid, 'other stores are left alone');

  await bind('typo-nats', '10Gi');
  const kept = await claimOf('typo-nats');
  await fixture.applyCluster('typo', natsOf('10Gi', 'slow'));
  await eventually(async () => {
    const { reason, message } = await resizedOf('typo');
    assert.equal(reason, 'Refused');
    assert.match(message, /set spec\.nats\.managed\.storage\.storageClassName back to fast/);
  }, LONG_MS);
  assert.equal((await claimOf('typo-nats'))?.metadata.uid, kept?.metadata.uid);
});
