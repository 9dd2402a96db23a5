import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '@im/contract';
import { parse } from 'yaml';
import type { OpenIMClusterSpec } from '../gen/openimcluster.ts';
import { renderConfig } from './config.ts';
import { effectiveSpec } from './effective.ts';
import { storeTlsVolume } from './store-tls.ts';
import { connectionOf, endpointsOf } from './stores/credentials.ts';
import { workload } from './workloads.ts';

const owner = { name: 'chat', namespace: 'im', uid: 'u' };
const operator = { version: '1.0.0', image: 'im:1.0.0' };
const external = {
  mongodbUri: 'mongodb://m',
  redisUri: 'rediss://r',
  s3: { accessKey: 'a', secretKey: 's' },
};
const SPEC: OpenIMClusterSpec = {
  nats: {
    external: {
      servers: ['tls://n:4222'],
      tls: {
        caConfigMapRef: { name: 'ca', key: 'bundle.pem' },
        clientCertificateSecretRef: { name: 'im-nats' },
      },
    },
  },
  mongodb: { external: { uriSecretRef: { name: 'm' }, tls: { caSecretRef: { name: 'ca' } } } },
  redis: { external: { uriSecretRef: { name: 'r' } } },
  objectStorage: { external: { endpoint: 'https://s3', credentials: 'Role' } },
};

function configOf(spec: OpenIMClusterSpec) {
  const effective = effectiveSpec(spec, operator);
  const connection = connectionOf({
    owner,
    effective,
    credentials: { rpcKey: 'k'.repeat(43) },
    external,
  });
  const { yaml, config } = renderConfig({
    owner,
    effective,
    endpoints: endpointsOf({ owner, effective }),
    tenants: [],
    files: Object.fromEntries(
      Object.entries(connection).map(([key, value]) => [`/etc/openim/secrets/connection/${key}`, value]),
    ),
    objectsURL: 'https://s3',
    rpcKey: 'required',
  });
  return { effective, text: parse(yaml), config };
}

test('the services find the certificates of each store in its folder, and take a role for S3', () => {
  const { text, config } = configOf(SPEC);
  const dir = '/etc/openim/store-tls';
  assert.deepEqual(text.nats.tls, {
    caFile: `${dir}/nats/ca.crt`,
    certFile: `${dir}/nats/tls.crt`,
    keyFile: `${dir}/nats/tls.key`,
  });
  assert.deepEqual(text.mongo.tls, { caFile: `${dir}/mongodb/ca.crt` });
  assert.equal('tls' in text.redis, false);
  assert.equal(text.s3.credentials, 'role');
  assert.equal('accessKey' in text.s3, false);
  assert.equal(config.s3.credentials, 'role');
  assert.equal(parseConfig({}).s3.credentials, 'keys');
});

test('every pod mounts exactly the referred keys, from the objects themselves', () => {
  const { effective } = configOf(SPEC);
  assert.deepEqual(storeTlsVolume(effective)?.volume, {
    name: 'store-tls',
    projected: {
      defaultMode: 0o440,
      sources: [
        { configMap: { name: 'ca', items: [{ key: 'bundle.pem', path: 'nats/ca.crt' }] } },
        {
          secret: {
            name: 'im-nats',
            items: [
              { key: 'tls.crt', path: 'nats/tls.crt' },
              { key: 'tls.key', path: 'nats/tls.key' },
            ],
          },
        },
        { secret: { name: 'ca', items: [{ key: 'ca.crt', path: 'mongodb/ca.crt' }] } },
      ],
    },
  });
  const { spec } = workload('rpc', { owner, effective, restartHash: 'h' });
  const pod = spec?.template.spec;
  assert.deepEqual(pod?.volumes?.at(-1), storeTlsVolume(effective)?.volume);
  assert.deepEqual(pod?.containers[0]?.volumeMounts?.at(-1), {
    name: 'store-tls',
    mountPath: '/etc/openim/store-tls',
    readOnly: true,
  });
});

test('without such settings there is no volume', () => {
  assert.equal(storeTlsVolume(effectiveSpec({}, operator)), undefined);
});

test('settings of objects reach the services, and add nothing where there are none', () => {
  const { objectStorage } = SPEC;
  const serving = {
    bucketPerTenant: false,
    publicBaseURL: 'https://cdn.example.com',
    accessHours: 24,
    corsOrigins: ['https://chat.example.com'],
    thumbnails: { workers: 4 },
  };
  const { text, config } = configOf({
    ...SPEC,
    objectStorage: {
      external: { ...objectStorage?.external, endpoint: 'https://s3', pathStyle: false },
      ...serving,
    },
  });
  const { pathStyle, bucketPerTenant, publicBaseURL, accessHours, corsOrigins, thumbnails } = text.s3;
  assert.deepEqual({ bucketPerTenant, publicBaseURL, accessHours, corsOrigins, thumbnails }, serving);
  assert.equal(pathStyle, false);
  assert.equal(parseConfig(config).s3.thumbnails.workers, 4);
  assert.deepEqual(Object.keys(configOf(SPEC).text.s3).toSorted(), [
    'bucket',
    'credentials',
    'endpoint',
    'externalEndpoint',
    'region',
  ]);
});
