import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { test } from 'node:test';
import { opsAddress } from './ops-address.ts';

const one = (address: string, internal = false) => {
  const family = address.includes(':') ? 'IPv6' : 'IPv4';
  return { address, family, internal } as NetworkInterfaceInfo;
};

test('the address is the one that the process listens on', () => {
  assert.equal(opsAddress('127.0.0.1', 1, { eth0: [one('10.0.0.7')] }), '127.0.0.1:1');
  assert.equal(opsAddress('fd00::1', 1, {}), '[fd00::1]:1');
});

test('a process that listens everywhere has the first address of the machine', () => {
  const lo = [one('127.0.0.1', true)];
  assert.equal(
    opsAddress('0.0.0.0', 9, { lo, eth0: [one('fe80::1'), one('fd00::2'), one('10.0.0.7')] }),
    '10.0.0.7:9',
  );
  assert.equal(opsAddress('::', 9, { lo, eth0: [one('169.254.1.1'), one('fd00::2')] }), '[fd00::2]:9');
  assert.match(opsAddress('0.0.0.0', 9, { lo }), /^[^:]+:9$/);
});
