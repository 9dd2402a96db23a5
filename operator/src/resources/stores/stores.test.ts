import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject, Service, StatefulSet } from '@im/kube';
import type { OpenIMClusterSpec } from '../../gen/openimcluster.ts';
import { effectiveSpec } from '../effective.ts';
import { templateHash } from '../pod-template.ts';
import { connectionOf, endpointsOf, makeCredentials } from './credentials.ts';
import { storeManifests } from './manifests.ts';
import { natsCapacity } from './nats.ts';
import type { StoreInput } from './store-set.ts';

const owner = { name: 'im', namespace: 'chat', uid: 'u-1' };
const credentials = makeCredentials();
const operator = { version: '1.2.3', image: 'registry.example/im:1.2.3' };
const STORES = ['nats', 'mongodb', 'redis', 'object-storage'] as const;

const external: OpenIMClusterSpec = {
  nats: { external: { servers: ['nats://nats.example:4222'], credentialsSecretRef: { name: 'n' } } },
  mongodb: { external: { uriSecretRef: { name: 'm' } } },
  redis: { external: { uriSecretRef: { name: 'r' } } },
  objectStorage: { external: { endpoint: 'https://s3.example', credentialsSecretRef: { name: 's' } } },
};

const effective = (spec: OpenIMClusterSpec = {}) => effectiveSpec(spec, operator);

const make = (spec: OpenIMClusterSpec = {}, more: Partial<StoreInput> = {}) =>
  storeManifests({ owner, effective: effective(spec), credentials, ...more });

function find<T extends KubeObject>(manifests: readonly KubeObject[], kind: string, name: string): T {
  const found = manifests.find((each) => each.kind === kind && each.metadata?.name === name);
  assert.ok(found, `no ${kind} ${name}`);
  return found as T;
}

const set = (manifests: readonly KubeObject[], store: string) =>
  find<StatefulSet>(manifests, 'StatefulSet', `im-${store}`);

function fileOf(
  manifests: readonly KubeObject[],
  kind: 'ConfigMap' | 'Secret',
  name: string,
  file: string,
): string {
  const { data } = find<KubeObject & { data?: Record<string, string> }>(manifests, kind, name);
  const text = data?.[file] ?? '';
  return kind === 'Secret' ? Buffer.from(text, 'base64').toString() : text;
}

test('managed stores have what they need, and nothing is made for external ones', () => {
  const names = make().map(({ kind, metadata }) => `${kind} ${metadata?.name}`);
  assert.deepEqual(names.sort(), [
    'ConfigMap im-mongodb',
    'ConfigMap im-nats',
    'ConfigMap im-redis',
    'PodDisruptionBudget im-mongodb',
    'PodDisruptionBudget im-nats',
    'PodDisruptionBudget im-object-storage',
    'PodDisruptionBudget im-redis',
    'Secret im-nats',
    'Secret im-redis',
    'Service im-mongodb',
    'Service im-nats',
    'Service im-nats-headless',
    'Service im-object-storage',
    'Service im-object-storage-headless',
    'Service im-redis',
    'Service im-redis-headless',
    'StatefulSet im-mongodb',
    'StatefulSet im-nats',
    'StatefulSet im-object-storage',
    'StatefulSet im-redis',
  ]);
  assert.deepEqual(make(external), []);
});

test('every object belongs to the cluster and says what it is', () => {
  for (const { apiVersion, kind, metadata } of make()) {
    assert.ok(apiVersion && kind);
    assert.equal(metadata?.namespace, 'chat');
    assert.equal(metadata?.ownerReferences?.[0]?.uid, 'u-1');
    assert.equal(metadata?.labels?.['app.kubernetes.io/instance'], 'im');
  }
});

const production: OpenIMClusterSpec = { profile: 'Production', mongodb: external.mongodb };

test('three NATS servers in profile Production are on three hosts; by itself that restarts none', () => {
  const spread = (spec: OpenIMClusterSpec, existing?: readonly StatefulSet[]) =>
    set(make(spec, { existing }), 'nats').spec?.template.spec?.topologySpreadConstraints;
  assert.partialDeepStrictEqual(spread(production), [
    {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule',
      nodeTaintsPolicy: 'Honor',
      labelSelector: {
        matchLabels: { 'app.kubernetes.io/instance': 'im', 'app.kubernetes.io/component': 'nats' },
      },
    },
  ]);
  assert.equal(spread({ nats: { managed: { replicas: 3 } } }), undefined, 'a test cluster may have one host');

  const own = [{ maxSkew: 2, topologyKey: 'rack', whenUnsatisfiable: 'ScheduleAnyway' as const }];
  const withSettings = (podTemplate: object) => ({ ...production, nats: { managed: { podTemplate } } });
  assert.deepEqual(spread(withSettings({ topologySpreadConstraints: own })), own);
  assert.equal(spread(withSettings({ affinity: {} })), undefined);

  // As an operator made it that knew no spread.
  const { template, ...rest } = set(make(production), 'nats').spec ?? assert.fail();
  const { topologySpreadConstraints: _, ...podSpec } = template.spec ?? assert.fail();
  const former = { ...template, spec: podSpec };
  const before = {
    ...set(make(production), 'nats'),
    metadata: {
      ...set(make(production), 'nats').metadata,
      annotations: { 'openim.io/template-hash': templateHash(former) },
    },
    spec: { ...rest, template: former },
  } as StatefulSet;
  assert.equal(spread(production, [before]), undefined);
  const changed = { ...production, nats: { managed: { image: 'nats:2.13' } } };
  assert.equal(spread(changed, [before])?.length, 1, 'with the next change of the pods');
});

for (const store of STORES) {
  test(`${store}: its pods meet the Restricted standard, and nothing of them is in the process list`, () => {
    const { spec } = set(make(), store);
    const pod = spec?.template.spec;
    assert.equal(pod?.automountServiceAccountToken, false);
    assert.equal(pod?.securityContext?.runAsNonRoot, true);
    assert.equal(pod?.securityContext?.seccompProfile?.type, 'RuntimeDefault');
    const [container] = pod?.containers ?? [];
    assert.equal(container?.securityContext?.readOnlyRootFilesystem, true);
    assert.equal(container?.securityContext?.allowPrivilegeEscalation, false);
    assert.deepEqual(container?.securityContext?.capabilities, { drop: ['ALL'] });
    assert.ok(container?.startupProbe && container.readinessProbe && container.livenessProbe);
    const text = JSON.stringify(spec);
    for (const value of Object.values(credentials).filter((each) => each !== 'openim')) {
      assert.ok(!text.includes(value), `a password is in the pod of ${store}`);
    }
    for (const { name } of container.volumeMounts ?? []) {
      const known = [
        ...(pod?.volumes ?? []),
        ...(spec?.volumeClaimTemplates ?? []).map((c) => ({ name: c.metadata?.name })),
      ];
      assert.ok(
        known.some((volume) => volume.name === name),
        `no volume ${name}`,
      );
    }
    const ports = new Set(container.ports?.map((port) => port.name));
    for (const service of make().filter(({ kind }) => kind === 'Service') as Service[]) {
      if (service.metadata?.labels?.['app.kubernetes.io/component'] !== store) continue;
      for (const { targetPort } of service.spec?.ports ?? []) assert.ok(ports.has(String(targetPort)));
    }
  });

  test(`${store}: the same input makes the same template; an image, a restart and nothing else change it`, () => {
    const hash = (spec?: OpenIMClusterSpec, more?: Partial<StoreInput>) =>
      set(make(spec, more), store).metadata?.annotations?.['openim.io/template-hash'];
    assert.equal(hash(), hash({ gateway: { replicas: 7 }, logLevel: 'debug', image: 'x:2' }));
    const key = store === 'object-storage' ? 'objectStorage' : store;
    assert.notEqual(hash(), hash({ [key]: { managed: { image: 'other:1' } } }));
    assert.notEqual(hash(), hash({}, { restartedAt: '2026-01-01T00:00:00Z' }));
  });
}

test('volumes outlive their StatefulSet, whatever the deletion policy of the cluster', () => {
  for (const store of STORES) {
    const policy = (spec?: OpenIMClusterSpec) =>
      set(make(spec), store).spec?.persistentVolumeClaimRetentionPolicy;
    assert.deepEqual(policy(), { whenDeleted: 'Retain', whenScaled: 'Retain' });
    assert.deepEqual(policy({ deletionPolicy: 'Purge' }), { whenDeleted: 'Retain', whenScaled: 'Retain' });
    const [claim] = set(make(), store).spec?.volumeClaimTemplates ?? [];
    assert.equal(claim?.metadata?.labels?.['app.kubernetes.io/managed-by'], 'openim-operator');
    assert.equal(claim?.metadata?.ownerReferences, undefined);
  }
});

test('a claim template never changes', () => {
  const before = set(
    make({ redis: { managed: { storage: { size: '2Gi', storageClassName: 'fast' } } } }),
    'redis',
  );
  const grown: OpenIMClusterSpec = {
    redis: { managed: { storage: { size: '5Gi', storageClassName: 'fast' } } },
  };
  const [claim] = set(make(grown, { existing: [before] }), 'redis').spec?.volumeClaimTemplates ?? [];
  assert.equal(claim?.spec?.resources?.requests?.storage, '2Gi');
  assert.equal(claim?.spec?.storageClassName, 'fast');
});

test('settings of a manifest reach the pods', () => {
  const pod = set(
    make({
      imagePullPolicy: 'Never',
      imagePullSecrets: [{ name: 'pull' }],
      redis: {
        managed: {
          image: 'my/redis:8',
          resources: { limits: { memory: '1Gi' } },
          podTemplate: { labels: { team: 'x' }, nodeSelector: { disk: 'ssd' } },
        },
      },
    }),
    'redis',
  ).spec?.template;
  assert.equal(pod?.metadata?.labels?.team, 'x');
  assert.deepEqual(pod?.spec?.nodeSelector, { disk: 'ssd' });
  assert.deepEqual(pod?.spec?.imagePullSecrets, [{ name: 'pull' }]);
  const [container] = pod?.spec?.containers ?? [];
  assert.deepEqual(
    [container?.image, container?.imagePullPolicy, container?.resources],
    ['my/redis:8', 'Never', { limits: { memory: '1Gi' } }],
  );
});

const syncs = [
  { spec: {}, replicas: 1, sync: 'always' },
  { spec: { durability: 'Memory' }, replicas: 1, sync: '"2m"' },
  { spec: { durability: 'FsyncQuorum', nats: { managed: { replicas: 3 } } }, replicas: 3, sync: 'always' },
  { spec: { durability: 'Quorum', nats: { managed: { replicas: 3 } } }, replicas: 3, sync: '"2m"' },
] as const;
for (const { spec, replicas, sync } of syncs) {
  test(`NATS with ${JSON.stringify(spec)}: ${replicas} nodes, sync_interval ${sync}`, () => {
    const manifests = make(spec);
    const conf = fileOf(manifests, 'ConfigMap', 'im-nats', 'nats.conf');
    assert.match(conf, new RegExp(`sync_interval: ${sync}\n`));
    assert.equal(set(manifests, 'nats').spec?.replicas, replicas);
    assert.equal(/cluster \{/.test(conf), replicas === 3);
    const auth = fileOf(manifests, 'Secret', 'im-nats', 'auth.conf');
    assert.match(auth, new RegExp(`password: "${credentials.natsPassword}"`));
    const routes = fileOf(manifests, 'Secret', 'im-nats', 'cluster.conf').match(/nats-route:/g) ?? [];
    assert.equal(routes.length, replicas === 3 ? 3 : 0);
  });
}

test('NATS addresses its nodes by pods that need not be ready, and clients use those that are', () => {
  const spec: OpenIMClusterSpec = { durability: 'FsyncQuorum', nats: { managed: { replicas: 3 } } };
  const manifests = make(spec);
  const headless = find<Service>(manifests, 'Service', 'im-nats-headless');
  assert.equal(headless.spec?.clusterIP, 'None');
  assert.equal(headless.spec?.publishNotReadyAddresses, true);
  assert.equal(set(manifests, 'nats').spec?.serviceName, 'im-nats-headless');
  const routes = fileOf(manifests, 'Secret', 'im-nats', 'cluster.conf');
  assert.match(routes, /@im-nats-2\.im-nats-headless\.chat\.svc:6222"/);
  assert.deepEqual(endpointsOf({ owner, effective: effective(spec) }).natsServers, [
    'nats://im-nats-0.im-nats-headless.chat.svc:4222',
    'nats://im-nats-1.im-nats-headless.chat.svc:4222',
    'nats://im-nats-2.im-nats-headless.chat.svc:4222',
  ]);
  assert.deepEqual(endpointsOf({ owner, effective: effective() }).natsServers, [
    'nats://im-nats.chat.svc:4222',
  ]);
});

test('streams never exceed the storage limit of the NATS server', () => {
  const specs: OpenIMClusterSpec[] = [
    {},
    { durability: 'Memory' },
    { nats: { managed: { storage: { size: '1Gi' }, resources: { limits: { memory: '128Mi' } } } } },
    { durability: 'Memory', nats: { managed: { resources: {} } } },
  ];
  for (const spec of specs) {
    const { nats } = effective(spec);
    assert.ok(nats.kind === 'managed');
    const { maxFileStore, maxMemoryStore, logMaxBytes, seqMaxBytes } = natsCapacity(nats);
    const inMemory = seqMaxBytes + (nats.logStorage === 'memory' ? logMaxBytes : 0);
    assert.ok(inMemory <= maxMemoryStore, JSON.stringify(spec));
    if (nats.logStorage === 'file') assert.ok(logMaxBytes <= maxFileStore, JSON.stringify(spec));
  }
});

test('the log and the kept deliveries grow with the volume and the memory of the NATS server', () => {
  const capacity = (size: string, memory = '1Gi', durability?: OpenIMClusterSpec['durability']) => {
    const managed = { storage: { size }, resources: { limits: { memory } } };
    const { nats } = effective({ durability, nats: { managed } });
    assert.ok(nats.kind === 'managed');
    return natsCapacity(nats);
  };
  const GIB = 2 ** 30;
  assert.ok(capacity('10Gi').logMaxBytes > 7 * GIB);
  assert.ok(capacity('100Gi').logMaxBytes > 70 * GIB);
  assert.ok(capacity('10Gi', '4Gi').seqMaxBytes > GIB);
  assert.ok(capacity('10Gi', '8Gi', 'Memory').logMaxBytes > 2 * GIB);
});

test('a changed password of NATS or Redis restarts it; MongoDB keeps what its volume has', () => {
  const other = makeCredentials();
  const restart = (store: string, passwords: Record<string, string>) =>
    set(make({}, { credentials: passwords }), store).spec?.template;
  assert.notDeepEqual(restart('nats', other), restart('nats', credentials));
  assert.notDeepEqual(restart('redis', other), restart('redis', credentials));
  assert.deepEqual(restart('mongodb', other), restart('mongodb', credentials));
});

test('MongoDB gets its program as arguments, so that the entrypoint of the image runs', () => {
  const [container] = set(make(), 'mongodb').spec?.template.spec?.containers ?? [];
  assert.equal(container?.command, undefined);
  assert.deepEqual(container?.args?.slice(0, 3), ['mongod', '--dbpath', '/data/db']);
  assert.ok(container?.args?.join(' ').includes('--replSet rs0 --keyFile /run/mongodb/keyfile'));
});

test('Redis keeps to its memory and evicts the oldest', () => {
  const conf = fileOf(make(), 'ConfigMap', 'im-redis', 'redis.conf');
  assert.match(conf, /^maxmemory 161061273$/m);
  assert.match(conf, /^maxmemory-policy allkeys-lru$/m);
  assert.match(conf, /^appendonly yes$/m);
});

test('object storage is opened to the outside as the manifest says', () => {
  const managed = {
    service: {
      type: 'NodePort',
      nodePort: 30_333,
      port: 80,
      annotations: { a: 'b' },
      externalTrafficPolicy: 'Local',
    },
  } as const;
  const spec = { objectStorage: { managed } };
  const service = find<Service>(make(spec), 'Service', 'im-object-storage');
  assert.equal(service.spec?.type, 'NodePort');
  assert.equal(service.metadata?.annotations?.a, 'b');
  assert.equal(service.spec?.externalTrafficPolicy, 'Local');
  assert.deepEqual(service.spec?.ports, [
    { name: 's3', port: 80, targetPort: 's3', protocol: 'TCP', nodePort: 30_333 },
  ]);
  assert.equal(
    endpointsOf({ owner, effective: effective(spec) }).s3Endpoint,
    'http://im-object-storage.chat.svc:80',
  );
});

test('a connection has the passwords that were made, or the values that people gave', () => {
  const own = connectionOf({ owner, effective: effective(), credentials, external: {} });
  assert.deepEqual(Object.keys(own).sort(), [
    'mongodb-uri',
    'nats-password',
    'nats-user',
    'redis-uri',
    'rpc-key',
    's3-access-key',
    's3-secret-key',
  ]);
  assert.equal(
    own['mongodb-uri'],
    `mongodb://openim:${credentials.mongodbPassword}@im-mongodb-0.im-mongodb.chat.svc:27017/?authSource=admin&directConnection=true`,
  );
  assert.equal(own['redis-uri'], `redis://:${credentials.redisPassword}@im-redis.chat.svc:6379`);

  const given = {
    mongodbUri: 'mongodb://m',
    redisUri: 'redis://r',
    s3: { accessKey: 'a', secretKey: 's' },
  };
  const theirs = { owner, effective: effective(external), credentials: { rpcKey: 'k' } };
  assert.deepEqual(connectionOf({ ...theirs, external: given }), {
    'mongodb-uri': 'mongodb://m',
    'redis-uri': 'redis://r',
    'rpc-key': 'k',
    's3-access-key': 'a',
    's3-secret-key': 's',
  });
  const { mongodbUri: _left, ...incomplete } = given;
  assert.throws(() => connectionOf({ ...theirs, external: incomplete }), /mongodbUri/);
});

test('passwords are new each time, long, and need no quoting', () => {
  const other = makeCredentials();
  for (const [key, value] of Object.entries(credentials)) {
    if (key === 'mongodbKeyfile') assert.match(value, /^[A-Za-z0-9+/=]{6,1024}$/);
    else assert.match(value, /^[\w-]+$/);
    if (!key.endsWith('User')) assert.notEqual(value, other[key]);
  }
});
