import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressRules } from './address-rules.ts';

const INTERNAL = [
  ...['0.0.0.0', '10.1.2.3', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254'],
  ...['172.16.0.1', '172.31.255.255', '192.168.1.1', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
  ...['168.63.129.16', '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'fc00::1', 'fd00:ec2::254'],
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:10.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::'],
  ...['::127.0.0.1', 'ff02::1', '2001::1', 'localhost', ''],
];
const PUBLIC = ['1.1.1.1', '172.32.0.1', '172.15.0.1', '100.128.0.1', '2606:4700::1111', '::ffff:1.1.1.1'];

test('public addresses are allowed, internal ones in every spelling are not', () => {
  const rules = addressRules([]);
  for (const address of INTERNAL) assert.equal(rules.allows(address), false, address);
  for (const address of PUBLIC) assert.equal(rules.allows(address), true, address);
});

test('networks of the operator are allowed, and nothing around them', () => {
  const rules = addressRules(['10.96.0.0/12', 'fd00:1::/64', '127.0.0.1']);
  for (const address of ['10.96.0.1', '10.111.255.255', '::ffff:10.96.0.1', 'fd00:1::5', '127.0.0.1'])
    assert.equal(rules.allows(address), true, address);
  for (const address of ['10.112.0.1', 'fd00:1:0:1::5', '127.0.0.2', '169.254.169.254'])
    assert.equal(rules.allows(address), false, address);
});

test('what is no network is refused', () => {
  for (const network of ['10.0.0.0/33', 'example.org', '10.0.0.0/x', '']) {
    assert.throws(() => addressRules([network]), RangeError, network);
  }
});
