import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MultiLogin } from '@im/contract';
import { type Login, rivalPlatforms, superseded } from './multi-login.ts';

/** Logins in order of issue, as `platform` ids. */
function logins(...platforms: number[]): Login[] {
  return platforms.map((platformID, i) => ({ platformID, hash: `h${i + 1}`, issue: i + 1 }));
}

function ended(policy: MultiLogin['policy'], platforms: number[], maxNumOneEnd = 30): number[] {
  return superseded({ policy, maxNumOneEnd }, logins(...platforms))
    .map(({ issue }) => issue)
    .sort((a, b) => a - b);
}

test('policy 0 ends the oldest beyond the limit of a platform', () => {
  assert.deepEqual(ended(0, [1, 1, 1]), []);
  assert.deepEqual(ended(0, [1, 2, 1, 1, 2], 2), [1]);
});

test('policy 1 leaves the newest of each platform', () => {
  assert.deepEqual(ended(1, [1, 2, 1, 5, 2]), [1, 2]);
});

test('policy 4 leaves the newest of each class', () => {
  assert.deepEqual(ended(4, [1, 2, 3, 4, 7, 8, 9, 5, 6, 11]), [1, 3, 4, 6]);
});

test('policy 5 leaves every PC and one other', () => {
  assert.deepEqual(ended(5, [3, 4, 7]), []);
  assert.deepEqual(ended(5, [1, 2, 5]), [1, 2]);
  assert.deepEqual(ended(5, [3, 1, 5]), [2]);
});

test('policy 5 prefers Android when a PC came last', () => {
  assert.deepEqual(ended(5, [2, 5, 3]), [2]);
  assert.deepEqual(ended(5, [5, 2, 3]), [1]);
  assert.deepEqual(ended(5, [1, 5, 3]), [1]);
});

test('the order in which logins are listed does not matter', () => {
  for (const policy of [0, 1, 4, 5] as const) {
    const list = logins(1, 2, 3, 5, 5, 8, 1, 11, 2);
    const forward = superseded({ policy, maxNumOneEnd: 1 }, list)
      .map(({ hash }) => hash)
      .sort();
    const backward = superseded({ policy, maxNumOneEnd: 1 }, list.toReversed())
      .map(({ hash }) => hash)
      .sort();
    assert.deepEqual(forward, backward);
  }
});

test('what ends within one platform also ends among all', () => {
  for (const policy of [0, 1, 4, 5] as const) {
    const list = logins(1, 2, 3, 5, 5, 8, 1, 3, 11, 2, 2);
    const all = new Set(superseded({ policy, maxNumOneEnd: 1 }, list));
    for (const platform of [1, 2, 3, 5, 8, 11]) {
      const part = superseded(
        { policy, maxNumOneEnd: 1 },
        list.filter((l) => l.platformID === platform),
      );
      for (const login of part) assert.ok(all.has(login), `policy ${policy}, issue ${login.issue}`);
    }
  }
});

test('rivals of a connection', () => {
  const rivals = (policy: MultiLogin['policy'], platformID: number) =>
    rivalPlatforms({ policy, maxNumOneEnd: 30 }, platformID);
  assert.deepEqual(rivals(0, 1), []);
  assert.deepEqual(rivals(1, 5), [5]);
  assert.deepEqual(rivals(4, 4), [3, 4, 7]);
  assert.deepEqual(rivals(4, 11), [11]);
  assert.deepEqual(rivals(5, 3), []);
  assert.deepEqual(rivals(5, 5), [1, 2, 5, 6, 8, 9, 10, 11]);
});
