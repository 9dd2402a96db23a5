import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PairLedger } from './pair-ledger.ts';

test('a message is forgotten once it was acknowledged and delivered, in either order', () => {
  const ledger = new PairLedger();
  const [a, b] = [ledger.send(), ledger.send()];
  ledger.acknowledge(a);
  assert.equal(ledger.owed, 1);
  assert.equal(ledger.arrive(a, 7), 'in order');
  assert.equal(ledger.arrive(b, 8), 'in order');
  assert.equal(ledger.underWay, 1);
  ledger.acknowledge(b);
  assert.deepEqual([ledger.underWay, ledger.owed, ledger.seqGaps], [0, 0, 0]);
});

test('copies, falling numbers and gaps of seqs are distinguished', () => {
  const ledger = new PairLedger();
  for (let i = 0; i < 4; i++) ledger.acknowledge(ledger.send());
  assert.equal(ledger.arrive(2, 11), 'in order');
  assert.equal(ledger.arrive(2, 11), 'doubled');
  assert.equal(ledger.arrive(1, 12), 'reordered');
  assert.equal(ledger.arrive(4, 14), 'in order');
  assert.deepEqual([ledger.seqGaps, ledger.owed], [1, 1]);
});

test('a refused message is not owed, and counts as doubled when it arrives all the same', () => {
  const ledger = new PairLedger();
  ledger.refuse(ledger.send());
  assert.equal(ledger.underWay, 0);
  assert.equal(ledger.arrive(1, 1), 'doubled');
});

test('memory holds only messages in flight, however many have passed', () => {
  const ledger = new PairLedger();
  for (let i = 1; i <= 100_000; i++) {
    ledger.acknowledge(ledger.send());
    ledger.arrive(i, i);
  }
  assert.equal(ledger.underWay, 0);
});
