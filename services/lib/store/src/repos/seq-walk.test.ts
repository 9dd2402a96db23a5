import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { lowestSeq, MAX_STEP, seqSteps } from './seq-walk.ts';

describe('seqSteps', () => {
  const steps = (first: number, last: number, size: number, descending = false) => [
    ...seqSteps({ first, last }, { size, descending }),
  ];

  test('covers a span once, in order, in growing steps', () => {
    assert.deepEqual(steps(1, 7, 2), [[1, 2], [3, 4, 5, 6], [7]]);
    assert.deepEqual(steps(3, 7, 2, true), [
      [7, 6],
      [5, 4, 3],
    ]);
    assert.deepEqual(steps(5, 4, 10), []);
  });

  test('no step is larger than one query should be', () => {
    const sizes = steps(1, 5_000, 400).map(({ length }) => length);
    assert.deepEqual(sizes, [400, 800, MAX_STEP, MAX_STEP, MAX_STEP, 800]);
    assert.equal(steps(1, 5_000, 9_999)[0]?.length, MAX_STEP);
  });
});

describe('lowestSeq', () => {
  async function search(first: number, last: number, from: number) {
    let reads = 0;
    const found = await lowestSeq({ first, last }, async (seqs) => {
      reads++;
      assert.ok(seqs.length <= 64 && seqs.every((seq) => seq >= first && seq <= last));
      return seqs.filter((seq) => seq >= from);
    });
    return { found, reads };
  }

  test('finds every place where something begins to hold', async () => {
    for (const last of [1, 2, 63, 64, 65, 129, 4_097]) {
      for (let from = 1; from <= last; from += Math.ceil(last / 97)) {
        assert.equal((await search(1, last, from)).found, from, `${from} of ${last}`);
      }
      assert.equal((await search(1, last, last + 1)).found, undefined);
    }
    assert.equal((await search(500, 900, 1)).found, 500);
    assert.equal((await search(9, 8, 1)).found, undefined);
  });

  test('takes few reads of a long conversation, and one when there is nothing to find', async () => {
    assert.ok((await search(1, 1_000_000, 777_777)).reads <= 4);
    assert.equal((await search(1, 1_000_000, 1_000_001)).reads, 1);
  });
});
