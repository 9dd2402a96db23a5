import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { TenantShares } from './tenant-shares.ts';

const A = tenantId('a');
const B = tenantId('b');
const MIB = 1_048_576;

test('shares are of what the log still holds, and of nothing while that is little', () => {
  const shares = new TenantShares();
  shares.note(A, 1_000);
  assert.equal(shares.of(A), 0);
  shares.note(A, 3 * MIB - 1_000);
  shares.update(1, 100);
  shares.note(B, MIB);
  shares.update(1, 200);
  assert.deepEqual([shares.of(A), shares.of(B), shares.largest], [0.75, 0.25, 0.75]);
  // The log begins behind all that A wrote.
  shares.update(101, 200);
  assert.deepEqual([shares.of(A), shares.of(B)], [0, 1]);
});

test('a long time takes bounded memory, and forgets no later than the log does', () => {
  const shares = new TenantShares();
  for (let i = 1; i <= 5_000; i++) {
    shares.note(i % 2 === 0 ? A : B, 1_024);
    shares.update(1, i);
  }
  assert.equal(shares.of(A), 0.5);
  shares.update(5_001, 5_001);
  assert.equal(shares.of(A), 0);
});
