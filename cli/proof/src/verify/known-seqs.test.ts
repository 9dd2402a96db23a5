import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KnownSeqs } from './known-seqs.ts';

test('what was stored at the connect is known, whenever it is pushed; what comes after it is news, each time', () => {
  const known = new KnownSeqs();
  assert.equal(known.highest('c'), 0);
  known.synchronized('c', 7);
  assert.deepEqual(
    [6, 7, 8, 10, 7, 8].map((seq) => known.arrived('c', seq)),
    ['known', 'known', 'next', 'gap', 'known', 'next'],
    'the second 8 is for the checker to find',
  );
  assert.equal(known.arrived('other', 1), 'next');
});

test('after another connect there is to pull what was missed, and to ignore what is pushed of it', () => {
  const known = new KnownSeqs();
  known.synchronized('c', 7);
  known.arrived('c', 8);
  assert.equal(known.highest('c'), 8, 'what follows is read');
  known.synchronized('c', 11);
  assert.equal(known.arrived('c', 10), 'known');
  assert.equal(known.arrived('c', 12), 'next');
});
