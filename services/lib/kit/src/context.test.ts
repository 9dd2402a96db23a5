import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT } from '@im/contract';
import { asSystem, detached, remainingMs, systemContext, withCaller, withTimeout } from './context.ts';

test('a derived deadline is never later than its parent’s', () => {
  const parent = systemContext(DEFAULT_TENANT, 'op', { timeoutMs: 1_000 });
  assert.equal(withTimeout(parent, 60_000).deadline, parent.deadline);
  assert.ok(remainingMs(withTimeout(parent, 10)) <= 10);
  assert.equal(remainingMs(withTimeout(parent, -5)), 0);
});

test('a detached context outlives its caller’s deadline and signal', () => {
  const parent = systemContext(DEFAULT_TENANT, 'op', { timeoutMs: 1, signal: AbortSignal.abort() });
  const work = detached(withCaller(parent, { opUserID: 'u1', opPlatformID: 1, opAdmin: false }), 5_000);
  assert.ok(remainingMs(work) > 4_000);
  assert.equal(work.signal, undefined);
  assert.equal(work.opUserID, 'u1');
});

test('the system acts as admin without a user, under the same trace id', () => {
  const user = withCaller(systemContext(DEFAULT_TENANT, 'op'), {
    opUserID: 'u',
    opPlatformID: 2,
    opAdmin: false,
  });
  assert.partialDeepStrictEqual(asSystem(user), {
    opUserID: '',
    opPlatformID: 0,
    opAdmin: true,
    operationID: 'op',
  });
  assert.match(systemContext(DEFAULT_TENANT, '').operationID, /^[0-9a-f]{32}$/);
});
