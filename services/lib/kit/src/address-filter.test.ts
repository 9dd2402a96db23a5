import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressFilter } from './address-filter.ts';

test('an address matches itself, a network its addresses, and of each kind only its own', () => {
  const cases: [string, string, boolean][] = [
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
    ['10.1.2.0/24', '10.1.2.255', true],
    ['10.1.2.0/24', '10.1.3.0', false],
    ['0.0.0.0/0', '::1', false],
    ['2001:db8::/32', '2001:db8::9', true],
    ['2001:db8::1', '2001:0db8:0::1', true],
    ['10.1.2.3', 'not an address', false],
  ];
  for (const [filter, address, expected] of cases)
    assert.equal(addressFilter(filter)(address), expected, `${filter} ${address}`);
});

test('what is no address and no network is refused', () => {
  for (const text of ['', 'a', '10.1.2', '10.1.2.3/33', '::1/129', '10.0.0.0/', '10.0.0.0/-1', '/8'])
    assert.throws(() => addressFilter(text), /address must be an address or a network/, text);
});
