import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AccountDeletion } from '@im/store';
import { progressAfter, retryAfterMs } from './account-deletions.ts';

const STEPS = ['logins', 'groups', 'profile'];
const deletion = (fields: Partial<AccountDeletion>): AccountDeletion => ({
  ...{ userID: 'u', mode: 'delete', erase: false, nickname: 'x', admin: 'imAdmin', requested: 1 },
  ...{ state: 'running', step: 'logins', cursor: '', removed: {}, finished: 0, attempts: 0, error: '' },
  ...fields,
});

test('a step goes on from its cursor until there is no more, and is followed by the next one', () => {
  const at = deletion({
    step: 'groups',
    cursor: 'c1',
    removed: { logins: 1, groups: 20 },
    attempts: 3,
    error: 'e',
  });
  const counted = { removed: { logins: 1, groups: 25 }, attempts: 0, error: '' };
  assert.deepEqual(progressAfter(at, { removed: 5, cursor: 'c2', more: true }, STEPS, 9), {
    ...counted,
    cursor: 'c2',
  });
  assert.deepEqual(progressAfter(at, { removed: 5, cursor: '', more: false }, STEPS, 9), {
    ...counted,
    step: 'profile',
    cursor: '',
  });
});

test('after the last step it is done', () => {
  const { state, step, finished } = progressAfter(
    deletion({ step: 'profile' }),
    { removed: 0, cursor: '', more: false },
    STEPS,
    9,
  );
  assert.deepEqual([state, step, finished], ['done', '', 9]);
});

test('failures are tried again ever later, at most every ten minutes', () => {
  assert.deepEqual(
    [1, 2, 3].map((attempts) => retryAfterMs(attempts, 1)),
    [4_000, 8_000, 16_000],
  );
  assert.equal(retryAfterMs(50, 1), 600_000);
  assert.equal(retryAfterMs(1, 0), 2_000);
});
