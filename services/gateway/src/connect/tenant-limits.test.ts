import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type TenantSettings, tenantId, tenantSettings } from '@im/contract';
import { staticTenants } from '@im/kit';
import { createMetrics } from '@im/process';
import { TenantLimits } from './tenant-limits.ts';

const T = tenantId('acme');

function settings(connections: number): TenantSettings {
  return tenantSettings({ id: 'acme', tokenSecret: 's', adminSecret: 's', quotas: { connections } });
}

/** Some gateways whose heartbeats go through one user domain. */
function cluster(quota: number, size: number) {
  const tenants = staticTenants([settings(quota)]);
  const reserved = new Map<number, number>();
  let asked = 0;
  const gateways = Array.from({ length: size }, () => {
    const limits = new TenantLimits({ tenants, metrics: createMetrics(), traffic: { refused: () => {} } });
    limits.onShareUsed(() => asked++);
    return limits;
  });
  // As SHARE_CONNECTIONS of the user domain, which has a test against Redis.
  const beat = (i: number) => {
    const limits = gateways[i];
    assert.ok(limits);
    const told = limits.limited();
    const here = told.acme;
    if (here === undefined) return;
    let left = quota - here;
    for (const [other, theirs] of reserved) if (other !== i) left -= theirs;
    const exact = Math.max(0, left) / size;
    const share = limits.atLimit().length > 0 ? Math.ceil(exact) : Math.floor(exact);
    reserved.set(i, here + share);
    limits.learn(told, { sharing: true, tenantShares: { acme: share } });
  };
  /** Opens as many as are admitted, up to `most`. */
  const open = (i: number, most = 1_000) => {
    let opened = 0;
    while (opened < most && gateways[i]?.full(T) === undefined) {
      gateways[i]?.opened(T);
      opened++;
    }
    return opened;
  };
  return { tenants, gateways, beat, open, asked: () => asked };
}

test('the quota of connections holds over all gateways', () => {
  const { gateways, beat, open } = cluster(100, 4);
  // All of them are stormed at once, and hear of each other only now and then.
  const first = gateways.map((_, i) => open(i));
  assert.deepEqual(first, [10, 10, 10, 10]);
  let total = 40;
  for (let round = 0; round < 50; round++) {
    for (let i = 0; i < gateways.length; i++) beat(i);
    for (let i = 0; i < gateways.length; i++) total += open(i);
    assert.ok(total <= 100, `${total} of 100`);
  }
  assert.equal(total, 100);
});

test('one gateway may hold all of it, and what is closed is free for the others', () => {
  const { gateways, beat, open } = cluster(100, 2);
  let total = 0;
  for (let round = 0; round < 20; round++) {
    total += open(0);
    beat(0);
  }
  assert.equal(total, 100);
  assert.equal(open(1), 10, 'before it has asked, a tenth');
  beat(1);
  assert.equal(open(1), 0, 'the other one is full');
  for (let i = 0; i < 50; i++) gateways[0]?.closed(T);
  beat(0);
  beat(1);
  assert.ok(open(1) > 0);
});

test('an exhausted share is asked for, and a version that does not count leaves each its own', () => {
  const { gateways, open, asked } = cluster(100, 2);
  assert.equal(open(0), 10);
  assert.ok(asked() > 0);
  gateways[0]?.learn({ acme: 10 }, { sharing: false, tenantShares: {} });
  assert.equal(open(0), 90);
});

test('a tenant without a quota is not limited, and one that is gone leaves nothing behind', () => {
  const { tenants, gateways, open } = cluster(0, 1);
  assert.equal(open(0), 1_000);
  const [limits] = gateways;
  assert.deepEqual(limits?.limited(), {});
  tenants.remove(T);
  assert.equal(limits?.size, 1);
  for (let i = 0; i < 1_000; i++) limits?.closed(T);
  assert.equal(limits?.size, 0);
});
