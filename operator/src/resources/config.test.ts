import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '@im/contract';
import { parse } from 'yaml';
import type { OpenIMClusterSpec } from '../gen/openimcluster.ts';
import { CONNECTION_DIR, type ConfigInput, renderConfig, TENANTS_DIR } from './config.ts';
import { effectiveSpec } from './effective.ts';
import { endpointsOf } from './stores/credentials.ts';

const owner = { name: 'chat', namespace: 'im', uid: 'u' };
const files = {
  [`${CONNECTION_DIR}/nats-user`]: 'openim',
  [`${CONNECTION_DIR}/nats-password`]: '6e617473',
  [`${CONNECTION_DIR}/mongodb-uri`]: 'mongodb://u:p@mongo/',
  [`${CONNECTION_DIR}/redis-uri`]: 'redis://:p@redis:6379',
  [`${CONNECTION_DIR}/s3-access-key`]: 'AKEXAMPLE',
  [`${CONNECTION_DIR}/s3-secret-key`]: '73336b6579',
  [`${CONNECTION_DIR}/rpc-key`]: 'k'.repeat(43),
  [`${TENANTS_DIR}/default.token-secret`]: 't'.repeat(32),
  [`${TENANTS_DIR}/default.admin-secret`]: 'a'.repeat(32),
};

function render(spec: OpenIMClusterSpec = {}, change: Partial<ConfigInput> = {}) {
  const effective = effectiveSpec(spec, { version: '1.0.0', image: 'im:1.0.0' });
  return renderConfig({
    owner,
    effective,
    endpoints: endpointsOf({ owner, effective }),
    tenants: [{ id: 'default', adminUserIDs: ['imAdmin'] }],
    files,
    objectsURL: 'http://files.test',
    rpcKey: 'required',
    ...change,
  });
}

test('the text refers to mounted files, and holds no secret', () => {
  const { yaml, config } = render();
  for (const secret of Object.values(files).filter((value) => value !== 'openim')) {
    assert.ok(!yaml.includes(secret), secret);
  }
  assert.equal(config.redis.uri, 'redis://:p@redis:6379');
  assert.equal(parse(yaml).redis.uri, `\${file:${CONNECTION_DIR}/redis-uri}`);
});

test('the use of the key of the cluster', () => {
  const rpc = (rpcKey: ConfigInput['rpcKey']) => parse(render({}, { rpcKey }).yaml).rpc;
  const key = `\${file:${CONNECTION_DIR}/rpc-key}`;
  assert.deepEqual([rpc('none').key, rpc('none').acceptMissingKey], [undefined, undefined]);
  assert.deepEqual([rpc('optional').key, rpc('optional').acceptMissingKey], [key, true]);
  assert.deepEqual([rpc('required').key, rpc('required').acceptMissingKey], [key, undefined]);
});

test('every RPC domain is reached by the headless Service', () => {
  const { domains } = parse(render().yaml).rpc;
  assert.deepEqual(domains.msg.addresses, [`dns:///chat-rpc.im.svc:${domains.msg.port}`]);
  assert.equal(new Set(Object.values<{ port: number }>(domains).map(({ port }) => port)).size, 7);
});

test('streams get the storage of a managed server, and the limits of the spec on an external one', () => {
  const managed = parse(render({ nats: { managed: { storage: { size: '10Gi' } } } }).yaml).nats;
  assert.equal(managed.logMaxBytes, Math.floor(Math.floor(10 * 2 ** 30 * 0.9) * 0.8));
  const servers = ['nats://n.test:4222'];
  const external = parse(render({ nats: { external: { servers, logMaxBytes: 2 ** 30 } } }).yaml).nats;
  assert.deepEqual([external.servers, external.logMaxBytes], [servers, 2 ** 30]);
  assert.equal('seqMaxBytes' in external, false);
});

test('the hash changes with the text and with every secret that it refers to', () => {
  const { hash } = render();
  assert.equal(render().hash, hash);
  assert.notEqual(render({ logLevel: 'debug' }).hash, hash);
  const changed = { ...files, [`${CONNECTION_DIR}/redis-uri`]: 'redis://:other@redis:6379' };
  assert.notEqual(render({}, { files: changed }).hash, hash);
  assert.equal(render({}, { files: { ...files, unused: 'x' } }).hash, hash);
});

test('settings that the services would reject, and missing keys of Secrets, are errors with the field', () => {
  assert.throws(
    () => render({ objectStorage: { bucket: 'x' } }),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /s3\.bucket/);
      return true;
    },
  );
  const { [`${CONNECTION_DIR}/mongodb-uri`]: _, ...incomplete } = files;
  assert.throws(() => render({}, { files: incomplete }), /mongodb-uri/);
});
