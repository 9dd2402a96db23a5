import assert from 'node:assert/strict';
import { test } from 'node:test';
import { currentCopies, type StreamCopy } from './stream-copies.ts';

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
