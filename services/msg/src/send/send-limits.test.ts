import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig, type ServerConfig, tenantId, tenantSettings } from '@im/contract';
import { staticTenants } from '@im/kit';
import { createMetrics } from '@im/process';
import { ERR, ImError } from '@im/protocol';
import { createSendLimits } from './send-limits.ts';

const T = tenantId('t1');
const MIB = 1_048_576;

function fixture(tenant: object = {}) {
  let at = 0;
  let { limits } = parseConfig({});
  const tenants = staticTenants([
    tenantSettings({ id: T, tokenSecret: 's', adminSecret: 's', ...tenant }),
    tenantSettings({ id: tenantId('t2'), tokenSecret: 's', adminSecret: 's' }),
  ]);
  const made = createSendLimits({ tenants, metrics: createMetrics(), limits: () => limits, now: () => at });
  const send = (opUserID: string, bytes = 100, opAdmin = false, of = T) => {
    try {
      made.take({ tenant: of, opUserID, opAdmin }, bytes);
      return 'ok';
    } catch (error) {
      assert.ok(error instanceof ImError && error.code === ERR.TooManyRequests);
      return `${error.errMsg} ${error.detail}`;
    }
  };
  const count = (most: number, one: () => string) => {
    for (let n = 0; n < most; n++) if (one() !== 'ok') return n;
    return most;
  };
  return {
    send,
    count,
    wait: (ms: number) => (at += ms),
    change: (next: Partial<ServerConfig['limits']>) => {
      limits = { ...limits, ...next };
    },
  };
}

test('a user has 2,000 messages at once and 100 a second; others and other tenants do not notice', () => {
  const { send, count, wait } = fixture();
  assert.equal(
    count(5_000, () => send('rude')),
    2_000,
  );
  assert.match(send('rude'), /limits\.userMessages/);
  assert.equal(send('other'), 'ok');
  assert.equal(send('rude', 100, false, tenantId('t2')), 'ok');
  wait(1_000);
  assert.equal(
    count(5_000, () => send('rude')),
    100,
  );
});

test('a user has 16 MiB at once and 1 MiB a second; administrators have no separate limit', () => {
  const { send, count, wait } = fixture();
  assert.equal(
    count(1_000, () => send('rude', 262_144)),
    64,
  );
  assert.match(send('rude', 262_144), /limits\.userBytes/);
  wait(1_000);
  assert.equal(
    count(1_000, () => send('rude', 262_144)),
    4,
  );
  assert.equal(
    count(5_000, () => send('imAdmin', MIB, true)),
    5_000,
  );
});

test('a tenant can have other limits for its users, and its quota counts messages of administrators', () => {
  const { send, count } = fixture({
    quotas: { messagesPerSecond: 50 },
    userLimits: { messagesPerSecond: 1, messageBurst: 3 },
  });
  assert.equal(
    count(10, () => send('rude')),
    3,
  );
  assert.equal(
    count(100, () => send('imAdmin', 1, true)),
    46,
  );
  assert.match(send('imAdmin', 1, true), /quotas\.messagesPerSecond/);
});

test('changed limits hold at once, and 0 is no limit', () => {
  const { send, count, change } = fixture();
  const none = { perSecond: 0, burst: 1 };
  change({ userMessages: none, userBytes: none });
  assert.equal(
    count(5_000, () => send('u', MIB)),
    5_000,
  );
  change({ userMessages: { perSecond: 1, burst: 2 }, userBytes: none });
  assert.equal(
    count(5_000, () => send('u', MIB)),
    2,
  );
});
