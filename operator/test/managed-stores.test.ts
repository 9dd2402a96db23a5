import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadStoreImages, type UsedCluster, useCluster } from '@im/dev-kubernetes';
import type { KubeObject } from '@im/kube';
import type { CheckResult, CheckSource } from '../src/checks/check.ts';
import { checkMongodb } from '../src/checks/mongodb.ts';
import { checkNats } from '../src/checks/nats.ts';
import { checkRedis } from '../src/checks/redis.ts';
import { checkS3 } from '../src/checks/s3.ts';
import { type EffectiveSpec, effectiveSpec } from '../src/resources/effective.ts';
import { nameOf, type StoreName, selectorLabels } from '../src/resources/names.ts';
import { makeCredentials } from '../src/resources/stores/credentials.ts';
import { storeManifests } from '../src/resources/stores/manifests.ts';

/** The manifests of managed stores on a real Kubernetes, in a namespace that takes nothing but Restricted pods. */

const owner = { name: 'im', namespace: `managed-${randomBytes(3).toString('hex')}`, uid: 'unused' };
const credentials = makeCredentials();
const PORTS: Readonly<Record<StoreName, number>> = {
  nats: 4_222,
  mongodb: 27_017,
  redis: 6_379,
  'object-storage': 8_333,
};
const STORES = Object.keys(PORTS) as StoreName[];
const source: CheckSource = { managed: true, addressField: 'spec', accountField: 'spec' };
const signal = new AbortController().signal;

let used: UsedCluster;
let effective: EffectiveSpec;
const addresses = new Map<StoreName, string>();

const kubectl = (...args: readonly string[]) => used.cluster.kubectl('-n', owner.namespace, ...args);

async function apply(items: readonly KubeObject[], ...args: string[]): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'openim-managed-'));
  try {
    const file = join(dir, 'list.json');
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await used.cluster.kubectl('apply', '--server-side', '-f', file, ...args);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Objects without their owner, which does not exist here. */
const orphans = (items: readonly KubeObject[]) =>
  items.map((item) => ({ ...item, metadata: { ...item.metadata, ownerReferences: [] } }));

const ready = (store: StoreName) =>
  kubectl('rollout', 'status', `statefulset/${nameOf.component(owner.name, store)}`, '--timeout=240s');

function outside(store: StoreName): KubeObject {
  const spec = {
    type: 'NodePort',
    selector: selectorLabels(owner.name, store),
    ports: [{ port: PORTS[store], protocol: 'TCP' }],
  };
  const metadata = { name: `${store}-outside`, namespace: owner.namespace };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec } as KubeObject;
}

before(async () => {
  used = await useCluster();
  const images = await loadStoreImages((tarball) => used.cluster.loadImage(tarball));
  const managed = (image: string) => ({ managed: { image, storage: { size: '1Gi' } } });
  effective = effectiveSpec(
    {
      nats: { managed: { image: images.nats, replicas: 3, storage: { size: '1Gi' } } },
      durability: 'FsyncQuorum',
      mongodb: managed(images.mongodb),
      redis: managed(images.redis),
      objectStorage: managed(images.objectStorage),
    },
    { version: '1.0.0', image: 'unused:1' },
  );
  const { namespace } = owner;
  await apply([
    {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
    },
  ]);
  await apply([
    {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: nameOf.serviceAccount(owner.name), namespace },
    },
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: nameOf.credentials(owner.name), namespace },
      stringData: credentials,
    } as KubeObject,
    ...orphans(storeManifests({ owner, effective, credentials })),
    ...STORES.map(outside),
  ]);
  for (const store of STORES) {
    await ready(store);
    const port = await kubectl(
      'get',
      'service',
      `${store}-outside`,
      '-o',
      'jsonpath={.spec.ports[0].nodePort}',
    );
    const address = await used.cluster.nodePortAddress(Number(port));
    addresses.set(store, `${address.host}:${address.port}`);
  }
});

after(async () => {
  if (!used) return;
  await used.cluster.kubectl('delete', 'namespace', owner.namespace, '--wait=false');
  await used[Symbol.asyncDispose]();
});

const at = (store: StoreName) => addresses.get(store) ?? '';
const checks: Readonly<Record<StoreName, () => Promise<CheckResult>>> = {
  nats: () =>
    checkNats(
      {
        source,
        servers: [`nats://${at('nats')}`],
        user: credentials.natsUser,
        password: credentials.natsPassword,
        replicas: 3,
      },
      signal,
    ),
  mongodb: () =>
    checkMongodb(
      {
        source,
        uri: `mongodb://${credentials.mongodbUser}:${credentials.mongodbPassword}@${at('mongodb')}/?authSource=admin&directConnection=true`,
        database: 'openim',
      },
      signal,
    ),
  redis: () => checkRedis({ source, uri: `redis://:${credentials.redisPassword}@${at('redis')}` }, signal),
  'object-storage': () =>
    checkS3(
      {
        source,
        endpoint: `http://${at('object-storage')}`,
        region: 'us-east-1',
        keys: { accessKey: credentials.s3AccessKey ?? '', secretKey: credentials.s3SecretKey ?? '' },
        bucket: 'openim',
      },
      signal,
    ),
};

/** A server needs a moment after its port answers. */
async function fine(store: StoreName): Promise<void> {
  let last: CheckResult | undefined;
  for (const until = performance.now() + 60_000; performance.now() < until; await sleep(500)) {
    last = await checks[store]();
    if (last.ok) return;
  }
  assert.fail(JSON.stringify(last));
}

for (const store of STORES) {
  test(`${store}: its pods become ready under the Restricted standard, and its check passes`, () =>
    fine(store));
}

for (const store of STORES) {
  test(`${store}: a pod that was deleted comes back on its volume with the same account`, async () => {
    await kubectl('delete', 'pod', `${nameOf.component(owner.name, store)}-0`);
    await ready(store);
    await fine(store);
  });
}

test('applying the same objects again changes nothing', async () => {
  const versions = () => kubectl('get', 'statefulsets', '-o', 'jsonpath={.items[*].metadata.generation}');
  const before = await versions();
  await apply(orphans(storeManifests({ owner, effective, credentials })));
  assert.equal(await versions(), before);
});
