import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ControlPlane, eventually, startControlPlane } from '@im/dev-kubernetes';
import { createMetrics, silentLogger } from '@im/process';
import {
  CONFIG_MAP,
  type ConfigMap,
  childId,
  createApplier,
  createInformer,
  createKubeClient,
  DEPLOYMENT,
  type Deployment,
  isApiError,
  type KubeClient,
  type OwnerReference,
  prune,
  SECRET,
  SERVICE,
} from '../src/index.ts';

const NAMESPACE = 'default';
const MANAGED = { 'app.kubernetes.io/managed-by': 'test' };

let plane: ControlPlane;
let client: KubeClient;

before(async () => {
  plane = await startControlPlane();
  client = await createKubeClient({ kubeconfigPath: plane.kubeconfig });
});
after(async () => {
  client.close();
  await plane.stop();
});

function deployment(name: string, replicas = 1): Deployment {
  return {
    metadata: { namespace: NAMESPACE, name, labels: MANAGED },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            { name: 'c', image: 'im:1', resources: { limits: { cpu: '1000m', memory: '1024Mi' } } },
          ],
        },
      },
    },
  };
}

function makeApplier() {
  const metrics = createMetrics();
  const applier = createApplier({ client, fieldManager: 'test', metrics });
  const outcomes = async () =>
    Object.fromEntries(
      (await metrics.values('openim_operator_applies_total')).map(({ labels, value }) => [
        labels.outcome,
        value,
      ]),
    );
  return { applier, outcomes };
}

test('applying a manifest again changes nothing, and with an observed object sends no request', async () => {
  const { applier, outcomes } = makeApplier();
  const first = await applier.apply(DEPLOYMENT, deployment('again'), undefined);
  assert.equal(first.outcome, 'created');
  const second = await applier.apply(DEPLOYMENT, deployment('again'), first.object);
  assert.equal(second.outcome, 'unchanged');
  assert.equal(second.object.metadata.resourceVersion, first.object.metadata.resourceVersion);
  assert.deepEqual(await outcomes(), { created: 1, skipped: 1 });

  // Without a cache the request is sent, and the server keeps the version.
  const other = makeApplier();
  const third = await other.applier.apply(DEPLOYMENT, deployment('again'), first.object);
  assert.equal(third.outcome, 'unchanged');
  assert.equal(third.object.metadata.resourceVersion, first.object.metadata.resourceVersion);
  assert.deepEqual(await other.outcomes(), { unchanged: 1 });

  const changed = await applier.apply(DEPLOYMENT, deployment('again', 2), first.object);
  assert.equal(changed.outcome, 'changed');
  assert.equal(changed.object.spec?.replicas, 2);
});

test('changes by others to their own fields cost nothing; to ours they are set back', async () => {
  const { applier, outcomes } = makeApplier();
  const manifest = deployment('drift');
  await applier.apply(DEPLOYMENT, manifest, undefined);
  const key = { namespace: NAMESPACE, name: 'drift' };
  const patched = await client.patchStatus(DEPLOYMENT, key, { replicas: 1, observedGeneration: 1 });
  const annotated = await client.patch(DEPLOYMENT, key, { metadata: { annotations: { other: 'x' } } });
  assert.notEqual(annotated.metadata.resourceVersion, patched.metadata.resourceVersion);
  assert.equal((await applier.apply(DEPLOYMENT, manifest, annotated)).outcome, 'unchanged');
  assert.deepEqual(await outcomes(), { created: 1, skipped: 1 });

  const moved = await client.patch(DEPLOYMENT, key, { spec: { replicas: 5 } });
  const back = await applier.apply(DEPLOYMENT, manifest, moved);
  assert.equal(back.outcome, 'changed');
  assert.equal(back.object.spec?.replicas, 1);
  assert.equal(back.object.metadata.annotations?.other, 'x');
});

test('fields that leave the manifest leave the object', async () => {
  const { applier } = makeApplier();
  const made = (data: Record<string, string>): ConfigMap => ({
    metadata: { namespace: NAMESPACE, name: 'less' },
    data,
  });
  const first = await applier.apply(CONFIG_MAP, made({ a: '1', b: '2' }), undefined);
  const second = await applier.apply(CONFIG_MAP, made({ a: '1' }), first.object);
  assert.deepEqual(second.object.data, { a: '1' });
});

test('a secret whose clear text the server does not show is set back all the same', async () => {
  const { applier } = makeApplier();
  const manifest = { metadata: { namespace: NAMESPACE, name: 'secret' }, stringData: { key: 'right' } };
  await applier.apply(SECRET, manifest, undefined);
  const key = { namespace: NAMESPACE, name: 'secret' };
  const spoiled = await client.patch(SECRET, key, { data: { key: Buffer.from('wrong').toString('base64') } });
  const { object } = await applier.apply(SECRET, manifest, spoiled);
  assert.equal(Buffer.from(object.data?.key ?? '', 'base64').toString(), 'right');
});

test('an object that was deleted and created again by another is applied in full, even when it looks the same', async () => {
  const { applier } = makeApplier();
  const manifest = deployment('anew');
  const { object } = await applier.apply(DEPLOYMENT, manifest, undefined);
  await client.delete(DEPLOYMENT, { namespace: NAMESPACE, name: 'anew' });
  const foreign = await client.apply(DEPLOYMENT, manifest, { fieldManager: 'other' });
  assert.notEqual(foreign.metadata.uid, object.metadata.uid);
  const applied = await applier.apply(DEPLOYMENT, manifest, foreign);
  const managers = applied.object.metadata.managedFields?.map(({ manager }) => manager);
  assert.deepEqual(managers?.sort(), ['other', 'test']);
});

test('status is applied by itself, and only when it differs', async () => {
  const { applier, outcomes } = makeApplier();
  await applier.apply(DEPLOYMENT, deployment('status'), undefined);
  const status = (readyReplicas: number): Deployment => ({
    metadata: { namespace: NAMESPACE, name: 'status' },
    status: { replicas: 2, readyReplicas },
  });
  const first = await applier.applyStatus(DEPLOYMENT, status(1), undefined);
  assert.equal(first.object.status?.readyReplicas, 1);
  await applier.applyStatus(DEPLOYMENT, status(1), first.object);
  assert.equal((await outcomes()).skipped, 1);
  const second = await applier.applyStatus(DEPLOYMENT, status(2), first.object);
  assert.equal(second.object.status?.readyReplicas, 2);
  assert.equal(second.object.metadata.generation, first.object.metadata.generation);
});

test('a wrong manifest is refused with the field that is wrong', async () => {
  const { applier } = makeApplier();
  const wrong = deployment('wrong', -1);
  await assert.rejects(applier.apply(DEPLOYMENT, wrong, undefined), (error) => {
    assert.ok(isApiError(error, 422));
    assert.equal(error.reason, 'Invalid');
    assert.equal(error.details?.causes?.[0]?.field, 'spec.replicas');
    return true;
  });
});

test('prune deletes unwanted children of the owner alone, from lists and from stores', async () => {
  const owner = await client.create(CONFIG_MAP, { metadata: { namespace: NAMESPACE, name: 'owner' } });
  const reference: OwnerReference = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    name: 'owner',
    uid: owner.metadata.uid,
  };
  const stranger: OwnerReference = {
    ...reference,
    name: 'stranger',
    uid: '00000000-0000-0000-0000-000000000000',
  };
  const child = (name: string, labels: Record<string, string>, ownerReferences: OwnerReference[]) =>
    client.create(CONFIG_MAP, { metadata: { namespace: NAMESPACE, name, labels, ownerReferences } });
  await child('wanted', MANAGED, [reference]);
  await child('unwanted', MANAGED, [reference]);
  await child('unlabelled', {}, [reference]);
  await child('of-a-stranger', MANAGED, [stranger]);
  const service = (name: string, ownerReferences: OwnerReference[]) =>
    client.create(SERVICE, {
      metadata: { namespace: NAMESPACE, name, labels: MANAGED, ownerReferences },
      spec: { ports: [{ port: 80 }], clusterIP: 'None' },
    });
  await service('unwanted', [reference]);
  await service('of-a-stranger', [stranger]);

  const stop = new AbortController();
  const maps = createInformer({ client, type: CONFIG_MAP, log: silentLogger(), metrics: createMetrics() });
  const running = maps.run(stop.signal);
  await maps.synced;
  const wanted = new Set([childId(CONFIG_MAP, { namespace: NAMESPACE, name: 'wanted' })]);
  const options = {
    client,
    ownerUid: owner.metadata.uid,
    namespace: NAMESPACE,
    labels: MANAGED,
    wanted,
    among: [SERVICE, maps],
  };
  assert.deepEqual(await prune(options), ['/Service/default/unwanted', '/ConfigMap/default/unwanted']);
  await eventually(() => assert.equal(maps.get('default/unwanted'), undefined));
  assert.deepEqual(await prune(options), []);
  const left = maps.list(NAMESPACE).map(({ metadata }) => metadata.name);
  for (const name of ['owner', 'wanted', 'unlabelled', 'of-a-stranger']) assert.ok(left.includes(name), name);
  await assert.rejects(prune({ ...options, labels: {} }), /needs labels/);
  stop.abort();
  await running;
});
