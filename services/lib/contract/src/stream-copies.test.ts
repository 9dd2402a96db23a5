import assert from 'node:assert/strict';
import { test } from 'node:test';
import { currentCopies, type StreamCopy, spareCopies } from './stream-copies.ts';

const whole: StreamCopy = { name: 'b', current: true, active: 1e9 };

/** Current copies of three, of which two besides the leader's. */
const copiesWith = (change: Partial<StreamCopy>) =>
  currentCopies({
    config: { num_replicas: 3 },
    cluster: { leader: 'a', replicas: [whole, { ...whole, ...change }] },
  });

test('a copy that is offline, silent, never heard or far behind is not up to date', () => {
  assert.equal(copiesWith({}), 3);
  assert.equal(copiesWith({ offline: true }), 2);
  assert.equal(copiesWith({ active: 11e9 }), 2);
  assert.equal(copiesWith({ active: 0 }), 2);
  assert.equal(copiesWith({ current: false, lag: 50 }), 3);
  assert.equal(copiesWith({ current: false, lag: 50_000 }), 2);
});

test('a stream without a leader has no copy that counts; one of a single server has one', () => {
  assert.equal(currentCopies({ config: { num_replicas: 3 }, cluster: { replicas: [whole, whole] } }), 0);
  assert.equal(currentCopies({ config: { num_replicas: 1 } }), 1);
  assert.equal(currentCopies({ config: { num_replicas: 1 }, cluster: {} }), 1);
});

test('a majority of the copies stores messages, and those beyond it are to spare', () => {
  for (const [have, wanted, spare] of [
    [3, 3, 1],
    [2, 3, 0],
    [1, 3, -1],
    [4, 5, 1],
    [1, 1, 0],
    [0, 1, -1],
  ] as const)
    assert.equal(spareCopies(have, wanted), spare, `${have} of ${wanted}`);
});
