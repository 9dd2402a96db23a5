import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grpcTarget } from './target.ts';

test('one name is resolved by DNS, several addresses are a list', () => {
  assert.equal(grpcTarget('user', ['rpc:10110']), 'dns:///rpc:10110');
  assert.equal(grpcTarget('user', ['dns:///rpc-headless.im:10110']), 'dns:///rpc-headless.im:10110');
  assert.equal(grpcTarget('user', ['127.0.0.1:1', '10.0.0.2:2']), 'ipv4:127.0.0.1:1,10.0.0.2:2');
  assert.equal(grpcTarget('user', ['[::1]:1', '[fe80::1]:2']), 'ipv6:[::1]:1,[fe80::1]:2');
});

test('what cannot be reached is refused with the name of the setting', () => {
  const cases: [string[], RegExp][] = [
    [[], /rpc\.domains\.user\.addresses is empty/],
    [['rpc'], /rpc is not host:port/],
    [['http://rpc:1'], /is not host:port/],
    [['10.0.0.1:1', 'rpc:1'], /rpc:1 is a name among several/],
    [['10.0.0.1:1', '[::1]:1'], /mixes IPv4 and IPv6/],
  ];
  for (const [addresses, message] of cases) assert.throws(() => grpcTarget('user', addresses), message);
});
