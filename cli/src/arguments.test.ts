import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duration, port, positive, repeated, tenant, whole } from './arguments.ts';

test('times have units, and a bare number is seconds', () => {
  const parse = duration('--timeout');
  assert.deepEqual(
    ['500ms', '30s', '30', '1.5s', '5m', '1h'].map(parse),
    [500, 30_000, 30_000, 1_500, 300_000, 3_600_000],
  );
  for (const text of ['', '0', '-1s', '5 days', 's', '1e3']) {
    assert.throws(() => parse(text), {
      message: /^--timeout: .*is not a time such as 500ms, 30s, 5m, 1h or 7d$/,
    });
  }
});

test('numbers say which option is wrong', () => {
  assert.equal(whole('--count')('12'), 12);
  assert.equal(whole('--groups', 0)('0'), 0);
  for (const text of ['', '0', '1.5', '-1', 'x', '1e99']) {
    assert.throws(() => whole('--count')(text), { message: /^--count: .*whole number of at least 1$/ });
  }
  assert.equal(positive('--rate')('0.5'), 0.5);
  assert.throws(() => positive('--rate')('0'), { message: /^--rate: 0 is not a number above 0$/ });
});

test('ports', () => {
  assert.equal(port('--api-port')('0'), 0);
  assert.throws(() => port('--api-port')('65536'), { message: /^--api-port: 65536 is not a port/ });
});

test('tenants, once or several times', () => {
  const parse = repeated(tenant('--tenant'));
  assert.deepEqual(parse('t2', parse('default', [])), ['default', 't2']);
  for (const text of ['', 'T2', '-a', 'a-', 'a b', 'a'.repeat(64)]) {
    assert.throws(() => parse(text, []), { message: /^--tenant: .*is not a tenant id/ });
  }
});
