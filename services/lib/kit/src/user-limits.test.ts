import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig, type ServerConfig, tenantId, tenantSettings } from '@im/contract';
import { createMetrics } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import { staticTenants } from './tenant-directory.ts';
import { createUserLimit, type UserLimitName } from './user-limits.ts';

const [T1, T2] = [tenantId('t1'), tenantId('t2')];

function fixture(name: UserLimitName, settings: object = {}) {
  let at = 0;
  let { limits } = parseConfig({});
  const secrets = { tokenSecret: 's', adminSecret: 's' };
  const tenants = staticTenants([
    tenantSettings({ id: T1, ...secrets, ...settings }),
    tenantSettings({ id: T2, ...secrets }),
  ]);
  const metrics = createMetrics();
  const limit = createUserLimit(name, { tenants, metrics, limits: () => limits, now: () => at });
  const take = (opUserID: string, { tenant = T1, opAdmin = false, of = '' } = {}) => {
    try {
      limit.take({ tenant, opUserID, opAdmin }, of);
      return 'ok';
    } catch (error) {
      assert.ok(error instanceof ImError && error.code === ERR.TooManyRequests);
      return error.detail;
    }
  };
  return {
    metrics,
    take,
    many(user: string, options = {}) {
      for (let n = 0; n < 1_000; n++) if (take(user, options) !== 'ok') return n;
      return 1_000;
    },
    wait: (ms: number) => (at += ms),
    change: (next: Partial<ServerConfig['limits']>) => {
      limits = { ...limits, ...next };
    },
  };
}

test('a user has as much at once as the burst, and later as much as the rate; no other user notices', async () => {
  const { metrics, take, many, wait } = fixture('userChanges');
  assert.equal(many('rude'), 500);
  assert.match(take('rude'), /\(limits\.userChanges\); try again later/);
  assert.equal(take('other'), 'ok');
  assert.equal(take('rude', { tenant: T2 }), 'ok');
  assert.equal(many('rude', { opAdmin: true }), 1_000);
  wait(1_000);
  assert.equal(many('rude'), 20);
  const [refused] = await metrics.values('openim_user_limited_total');
  assert.deepEqual([refused?.labels, refused?.value], [{ limit: 'limits.userChanges' }, 3]);
});

test('rates by the minute; each group has a separate budget', () => {
  const { many, wait } = fixture('mentionAll');
  assert.equal(many('u', { of: 'g1' }), 5);
  assert.equal(many('u', { of: 'g2' }), 5);
  wait(6_000);
  assert.equal(many('u', { of: 'g1' }), 1);
  assert.equal(fixture('profileChanges').many('u'), 10);
});

test('a tenant has separate limits for its users; a changed limit holds at once, and 0 is none', () => {
  const { many, change } = fixture('profileChanges', {
    userLimits: { profileChangesPerMinute: 1, profileChangeBurst: 2 },
  });
  assert.equal(many('u'), 2);
  change({ profileChanges: { perMinute: 0, burst: 1 } });
  assert.equal(many('v'), 2, 'the tenant has the last word');
  assert.equal(many('v', { tenant: T2 }), 1_000);
});
