import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeAddress, countedAddress, countedIP } from './address.ts';

test('a request names one number or one mail address', () => {
  assert.deepEqual(codeAddress({ phone: '+8613800000000', mail: '' }), {
    ...{ channel: 'sms', address: '+8613800000000' },
  });
  assert.equal(codeAddress({ phone: '', mail: 'A.b+c@Example.org' }).channel, 'mail');
  const wrong = [
    ['', ''],
    ['+8613800000000', 'a@b.org'],
    ...['8613800000000', '+0613800000000', '+86 138', '+861380000000000000', '+86138\n0000'].map((phone) => [
      phone,
      '',
    ]),
    ...[
      'a',
      'a@',
      '@b',
      'a b@c.org',
      'a@b.org\r\nBcc: x@y.org',
      '"a"@b.org',
      'a@b.org,c@d.org',
      `${'a'.repeat(65)}@b.org`,
    ].map((mail) => ['', mail]),
  ];
  for (const [phone = '', mail = ''] of wrong)
    assert.throws(() => codeAddress({ phone, mail }), { code: 1001 }, `${phone} ${mail}`);
});

test('spellings of an address count together', () => {
  const counted = (mail: string) => countedAddress(codeAddress({ phone: '', mail }));
  assert.equal(counted('A@Example.ORG'), counted('a@example.org'));
  assert.notEqual(counted('a@example.org'), counted('b@example.org'));
});

test('an IPv4 address counts by itself, an IPv6 address with its network of 64 bits', () => {
  assert.equal(countedIP('192.0.2.1'), '192.0.2.1');
  assert.equal(countedIP('::ffff:192.0.2.1'), '192.0.2.1');
  const same = [
    '2001:db8:0:5::1',
    '2001:0db8:0000:0005:ffff::',
    '2001:DB8:0:5:1:2:3:4',
    '2001:db8::5:1:2:3:4',
  ];
  assert.deepEqual([...new Set(same.map(countedIP))], ['2001:db8:0:5']);
  assert.notEqual(countedIP('2001:db8:0:6::1'), countedIP('2001:db8:0:5::1'));
  assert.equal(countedIP('::1'), '0:0:0:0');
});
