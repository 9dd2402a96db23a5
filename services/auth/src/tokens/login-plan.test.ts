import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LiveToken, TokenSet } from '@im/store';
import { type LoginState, planLogin } from './login-plan.ts';

const NOW = 1_000_000;
const LATER = NOW + 60_000;

function live(hash: string, issue: number, expires = LATER): LiveToken {
  return { hash, issue, expires };
}

function set(platformID: number, rev: number, tokens: readonly LiveToken[]): TokenSet {
  return { userID: 'u', platformID, rev, live: tokens, kicked: [] };
}

function plan(state: LoginState, platformID: number, policy: 0 | 1 | 4 | 5, maxNumOneEnd = 2) {
  return planLogin(state, {
    userID: 'u',
    platformID,
    multiLogin: { policy, maxNumOneEnd },
    now: NOW,
    make: (issue) => ({ live: live(`new${issue}`, issue) }),
  });
}

const hashes = (tokens: readonly { hash: string }[]) => tokens.map(({ hash }) => hash);

test('a first login has number 1 and a new set', () => {
  const { issue, changes } = plan({ lastIssue: 0, sets: [] }, 5, 1);
  assert.equal(issue, 1);
  assert.equal(changes.length, 1);
  const [own] = changes;
  assert.deepEqual([own?.before.rev, own?.after.rev, own?.ended], [0, 1, []]);
  assert.deepEqual(hashes(own?.after.live ?? []), ['new1']);
});

test('a number is above the last one, also when no token is left', () => {
  assert.equal(plan({ lastIssue: 41, sets: [] }, 5, 1).issue, 42);
});

test('under policy 1 the former token of the platform is ended, and remembered as kicked', () => {
  const sets = [set(5, 7, [live('old', 3)]), set(1, 2, [live('phone', 2)])];
  const { changes } = plan({ lastIssue: 3, sets }, 5, 1);
  assert.equal(changes.length, 1, 'the other platform stays as it is');
  const [own] = changes;
  assert.deepEqual([own?.after.rev, own?.ended], [8, ['old']]);
  assert.deepEqual(hashes(own?.after.live ?? []), ['new4']);
  assert.deepEqual(hashes(own?.after.kicked ?? []), ['old']);
});

test('under policy 0 the oldest beyond the limit are ended', () => {
  const sets = [set(5, 1, [live('a', 1), live('b', 2)])];
  const [own] = plan({ lastIssue: 2, sets }, 5, 0).changes;
  assert.deepEqual(own?.ended, ['a']);
  assert.deepEqual(hashes(own?.after.live ?? []), ['b', 'new3']);
});

test('under policy 4 a login ends those of other platforms of its class', () => {
  const sets = [set(2, 4, [live('android', 1)]), set(5, 1, [live('web', 2)])];
  const { changes } = plan({ lastIssue: 2, sets }, 1, 4);
  assert.deepEqual(
    changes.map(({ after, ended }) => [after.platformID, after.rev, ended]),
    [
      [1, 1, []],
      [2, 5, ['android']],
    ],
  );
});

test('under policy 5 a login on a PC keeps the Android one and ends the other', () => {
  const sets = [set(2, 4, [live('android', 1)]), set(5, 1, [live('web', 2)])];
  const { changes } = plan({ lastIssue: 2, sets }, 3, 5);
  assert.deepEqual(
    changes.map(({ after, ended }) => [after.platformID, ended]),
    [
      [3, []],
      [5, ['web']],
    ],
  );
});

test('what has expired neither counts nor stays', () => {
  const sets = [set(5, 1, [live('expired', 1, NOW), { ...live('graced', 2), until: NOW - 1 }, live('b', 3)])];
  const [own] = plan({ lastIssue: 3, sets }, 5, 0).changes;
  assert.deepEqual(own?.ended, []);
  assert.deepEqual(hashes(own?.after.live ?? []), ['b', 'new4']);
});

test('what was read stays as it was', () => {
  const before = set(5, 1, [live('a', 1)]);
  const [own] = plan({ lastIssue: 1, sets: [before] }, 5, 1).changes;
  assert.equal(own?.before, before);
  assert.deepEqual(hashes(before.live), ['a']);
});
