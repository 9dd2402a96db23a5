import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasNames, parseEndpoints, resolveEndpoints } from './endpoints.ts';

test('addresses are host:port, or a name that stands for several', async () => {
  const parsed = parseEndpoints('user', ['rpc:10110', 'dns:///rpc-headless.im:1', '127.0.0.1:2', '[::1]:3']);
  assert.deepEqual(parsed, [
    { host: 'rpc', port: 10_110 },
    { host: 'rpc-headless.im', port: 1 },
    { host: '127.0.0.1', port: 2 },
    { host: '::1', port: 3 },
  ]);
  assert.equal(hasNames(parsed), true);
  const fixed = parsed.slice(2);
  assert.equal(hasNames(fixed), false);
  assert.deepEqual(await resolveEndpoints(fixed), new Set(['ipv4:127.0.0.1:2', 'ipv6:[::1]:3']));
  const local = await resolveEndpoints([{ host: 'localhost', port: 7 }]);
  assert.ok(local.has('ipv4:127.0.0.1:7') || local.has('ipv6:[::1]:7'));
});

test('what cannot be reached is refused with the name of the setting', () => {
  assert.throws(() => parseEndpoints('user', []), /rpc\.domains\.user\.addresses is empty/);
  for (const address of ['rpc', 'http://rpc:1', 'a:0', 'a:70000', ':1', 'a b:1']) {
    assert.throws(() => parseEndpoints('user', [address]), /user\.addresses: .* is not host:port/);
  }
});
