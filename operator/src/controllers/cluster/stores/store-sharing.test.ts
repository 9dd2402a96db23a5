import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EffectiveSpec } from '../../../resources/effective.ts';
import { storeSharing } from './store-sharing.ts';

const spec = (nats: string, mongodb: string, redis: string, objectStorage = 'managed') =>
  ({
    nats: { kind: nats },
    mongodb: { kind: mongodb },
    redis: { kind: redis },
    objectStorage: { kind: objectStorage },
  }) as EffectiveSpec;
const fine = { ok: true, detail: {} } as const;
const foreign = {
  ok: false,
  reason: 'UsedByAnotherCluster',
  message: 'spec.mongodb.external: belongs to OpenIMCluster im/other',
} as const;

test('a new cluster starts nothing before its external stores are known to be free', () => {
  const external = spec('external', 'external', 'managed');
  const unseen = { stores: {} };
  assert.match(storeSharing(external, unseen, false) ?? '', /first check of nats, mongodb/);
  // Checks end one by one, and none of them waits for the first poll of processes.
  assert.match(storeSharing(external, { stores: { nats: fine } }, false) ?? '', /first check of mongodb,/);
  assert.equal(storeSharing(external, { stores: { nats: fine, mongodb: fine } }, false), undefined);
  assert.equal(storeSharing(external, unseen, true), undefined);
  const bucket = spec('managed', 'managed', 'managed', 'external');
  assert.match(storeSharing(bucket, unseen, false) ?? '', /first check of objectStorage,/);
  assert.equal(storeSharing(spec('managed', 'managed', 'managed'), unseen, false), undefined);
});

test('a store of another cluster is refused, also for a cluster that runs', () => {
  const external = spec('managed', 'external', 'managed');
  for (const runs of [false, true]) {
    assert.throws(() => storeSharing(external, { stores: { mongodb: foreign } }, runs), {
      refusal: { reason: 'UsedByAnotherCluster', message: foreign.message },
    });
  }
  assert.equal(
    storeSharing(spec('managed', 'managed', 'managed'), { stores: { mongodb: foreign } }, false),
    undefined,
  );
});
