import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tenantId } from '@im/contract';
import { createMetrics } from '@im/process';
import { clientAddress, FailedAttempts } from './failed-attempts.ts';

const [t1, t2] = [tenantId('t1'), tenantId('t2')];

test('failures use up the attempts of an address at a tenant; successes cost nothing', async () => {
  const metrics = createMetrics();
  let limit = { ratePerSecond: 0.001, burst: 3 };
  const attempts = new FailedAttempts('token', () => limit, metrics);
  for (let i = 0; i < 3; i++) {
    assert.ok(attempts.allows(t1, 'a'));
    attempts.failed(t1, 'a');
  }
  assert.ok(!attempts.allows(t1, 'a'));
  assert.ok(attempts.allows(t1, 'b') && attempts.allows(t2, 'a'), 'others are not meant');
  assert.match(await metrics.text(), /openim_attempts_refused_total\{kind="token"\} 1/);
  limit = { ratePerSecond: 0, burst: 1 };
  assert.ok(attempts.allows(t1, 'a'), 'a changed limit holds at once');
});

test('addresses are remembered in bounded number', () => {
  const attempts = new FailedAttempts('token', () => ({ ratePerSecond: 1, burst: 1 }), createMetrics());
  for (let i = 0; i < 20_010; i++) attempts.failed(t1, `10.0.0.${i}`);
  assert.equal(attempts.size, 20_000);
});

test('only what trusted proxies append is believed of X-Forwarded-For', () => {
  const request = (forwarded?: string, remoteAddress = '10.1.1.1') => ({
    socket: { remoteAddress } as never,
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  });
  assert.equal(clientAddress(request('1.1.1.1'), 0), '10.1.1.1');
  assert.equal(clientAddress(request('6.6.6.6, 1.1.1.1'), 1), '1.1.1.1');
  assert.equal(clientAddress(request('6.6.6.6, 1.1.1.1, 10.2.2.2'), 2), '1.1.1.1');
  assert.equal(clientAddress(request('1.1.1.1'), 2), '1.1.1.1');
  assert.equal(clientAddress(request(), 1), '10.1.1.1');
  for (const proxy of ['::ffff:172.31.0.9', 'fd00::1', '::1']) {
    assert.equal(clientAddress(request('1.1.1.1', proxy), 1), '1.1.1.1');
  }
  for (const client of ['8.8.8.8', '::ffff:172.32.0.9', '2001:db8::1']) {
    assert.equal(clientAddress(request('1.1.1.1', client), 1), client);
  }
});
