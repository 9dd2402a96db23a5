import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveSpec } from './effective.ts';

const old = { version: '1.0.0', image: 'registry:5000/openim/im:1.0.0' };
const newer = { version: '1.1.0', image: 'registry:5000/openim/im:1.1.0' };

test('an absent spec gets small replicas in Development, and more where Production needs them', () => {
  const small = effectiveSpec({}, old);
  assert.deepEqual([small.gateway.replicas, small.push.replicas, small.cron.replicas], [2, 1, 1]);
  assert.partialDeepStrictEqual(small.nats, {
    kind: 'managed',
    replicas: 1,
    syncAlways: true,
    logStorage: 'file',
  });
  const large = effectiveSpec(
    { profile: 'Production', mongodb: { external: { uriSecretRef: { name: 'm' } } } },
    old,
  );
  assert.partialDeepStrictEqual(large.nats, { replicas: 3, syncAlways: true });
  assert.equal(large.push.replicas, 2);
  assert.deepEqual(large.mongodb, {
    kind: 'external',
    uriSecretRef: { name: 'm', key: 'uri' },
    database: 'openim',
  });
});

test('durability decides how the log is stored and synced', () => {
  const nats = (durability: 'FsyncQuorum' | 'Quorum' | 'Memory') =>
    effectiveSpec({ durability, nats: { managed: { replicas: 3 } } }, old).nats;
  assert.partialDeepStrictEqual(nats('FsyncQuorum'), { syncAlways: true, logStorage: 'file' });
  assert.partialDeepStrictEqual(nats('Quorum'), { syncAlways: false, logStorage: 'file' });
  assert.partialDeepStrictEqual(nats('Memory'), { logStorage: 'memory' });
});

test('a new operator changes no image of a running cluster; a version does, and an image wins', () => {
  const first = effectiveSpec({}, old);
  assert.equal(first.image, old.image);
  const later = effectiveSpec({}, newer, first as object);
  assert.deepEqual([later.image, later.version], [old.image, '1.0.0']);
  assert.equal(effectiveSpec({ version: '1.1.0' }, newer, later as object).image, newer.image);
  assert.equal(effectiveSpec({ version: '1.0.0' }, newer).image, old.image, 'another tag of its repository');
  const pinned = { ...newer, image: `registry:5000/openim/im@sha256:${'a'.repeat(64)}` };
  assert.equal(effectiveSpec({ version: '0.9.0' }, pinned).image, 'registry:5000/openim/im:0.9.0');
  assert.equal(effectiveSpec({ image: 'mine:2' }, newer, later as object).image, 'mine:2');
});

test('images of managed stores stay what they are', () => {
  const { redis } = effectiveSpec({}, old, { redis: { image: 'valkey:old' } });
  assert.partialDeepStrictEqual(redis, { image: 'valkey:old' });
});

test('the drain deadline of a running cluster stays what it is, because it is part of its pods', () => {
  const deadlineOf = (...args: Parameters<typeof effectiveSpec>) =>
    effectiveSpec(...args).gateway.drain.deadlineSeconds;
  assert.equal(deadlineOf({}, old), 540);
  const running = { gateway: { drain: { deadlineSeconds: 600 } } };
  assert.equal(deadlineOf({}, newer, running), 600);
  assert.equal(deadlineOf({ gateway: { drain: { deadlineSeconds: 60 } } }, newer, running), 60);
});
