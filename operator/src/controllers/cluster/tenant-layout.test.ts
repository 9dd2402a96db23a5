import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantLayoutOf } from './tenant-layout.ts';

test('shards are used when every process knows and mounts them', () => {
  const mounted = [{ shards: true }, { shards: true }];
  assert.equal(tenantLayoutOf(1, 3, []).shards, 16, 'a new cluster');
  assert.equal(tenantLayoutOf(1, 3, mounted).shards, 16);
  assert.equal(
    tenantLayoutOf(1, 3, [...mounted, { shards: false }]).shards,
    1,
    'a pod of the version before',
  );
  assert.equal(tenantLayoutOf(0, 3, mounted).shards, 1, 'a process of the version before');
  assert.equal(tenantLayoutOf(1, 2, []).shards, 1, 'pods that are not to be replaced');
});
