import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TENANT, PARTITIONS, tenantId } from '@im/contract';
import {
  groupSubject,
  kickSubject,
  logFilters,
  logSubject,
  parseLogSubject,
  partitionOf,
  subjectTenant,
  userSubject,
} from './subjects.ts';

const acme = tenantId('acme-1');

test('a log subject is parsed back', () => {
  assert.equal(logSubject(acme, 63), 'im.acme-1.msg.63');
  assert.deepEqual(parseLogSubject('im.acme-1.msg.63'), { tenant: acme, partition: 63 });
  for (const other of [
    'im.acme-1.msg.64',
    'im.acme-1.msg.',
    'im.acme-1.u.7',
    'imctl.barrier',
    'im.a.msg.1.2',
  ]) {
    assert.equal(parseLogSubject(other), undefined, other);
  }
});

test('a partition that does not exist is refused by name', () => {
  assert.throws(() => logSubject(acme, 64), /partition 64 is not one of 0 to 63/);
  assert.throws(() => logSubject(acme, -1), RangeError);
  assert.throws(() => logSubject(acme, 1.5), RangeError);
});

test('ids of any characters make subjects of safe ones, apart by kind and tenant', () => {
  for (const id of ['a b', 'x.*.>', '\0', 'ünïcödé', '']) {
    assert.match(userSubject(acme, id), /^im\.acme-1\.u\.[A-Za-z0-9_-]{16}$/);
  }
  const same = new Set([userSubject(acme, '1').split('.').at(-1), groupSubject(acme, '1').split('.').at(-1)]);
  assert.equal(same.size, 2);
  assert.notEqual(userSubject(acme, '1'), userSubject(DEFAULT_TENANT, '1'));
  assert.equal(kickSubject(acme, '1').split('.').at(-1), userSubject(acme, '1').split('.').at(-1));
});

test('the tenant of a subject', () => {
  assert.equal(subjectTenant('im.acme-1.u.abc'), acme);
  assert.equal(subjectTenant('im.ACME.u.abc'), undefined);
  assert.equal(subjectTenant('imctl.barrier'), undefined);
});

test('all partitions are one filter', () => {
  assert.deepEqual(logFilters(Array.from({ length: PARTITIONS }, (_, i) => i)), ['im.*.msg.*']);
  assert.deepEqual(logFilters([9, 1, 9]), ['im.*.msg.1', 'im.*.msg.9']);
});

test('the partition of a key never changes', () => {
  assert.deepEqual(
    ['', 'a_b', 'group-1', '用户_x', '3325086438_8612345678'].map(partitionOf),
    [5, 38, 48, 27, 32],
  );
});

test('keys spread evenly over partitions', () => {
  const counts = new Array<number>(PARTITIONS).fill(0);
  for (let i = 0; i < 64_000; i++) {
    const partition = partitionOf(`user${i}_user${i * 7}`);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  assert.ok(Math.min(...counts) > 850, `least ${Math.min(...counts)}`);
  assert.ok(Math.max(...counts) < 1_150, `most ${Math.max(...counts)}`);
});
