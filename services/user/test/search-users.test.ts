import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, type Messages, make } from '@im/protocol';
import { as, codeOf, describeDomain, TENANTS } from '@im/testing';
import { userService } from '../src/index.ts';

const NAMES = ['anna', 'Bert', 'carl', 'dora', 'emil', 'ANNETTE', 'frida'];
const domain = describeDomain(
  userService,
  { servers: ['mongo', 'redis'], bus: () => ({ events: {} }) },
  Object.fromEntries(TENANTS.map((tenant) => [tenant, NAMES])),
);

for (const tenant of TENANTS) {
  const search = (fields: Partial<Messages['user.SearchUsersReq']>) =>
    domain.user.searchUsers(
      as(tenant, 'imAdmin', true),
      make('user.SearchUsersReq', { limit: 100, ...fields }),
    );

  test(`pages of users, newest first, have each user once (${tenant})`, async () => {
    const all = (await search({})).users.map(({ userID }) => userID);
    assert.deepEqual(
      all.filter((id) => id !== 'imAdmin'),
      // Registered in one ms, so in the order of ids.
      NAMES.toSorted((x, y) => (x < y ? 1 : -1)),
    );
    const paged: string[] = [];
    for (let cursor = ''; ; ) {
      const page = await search({ limit: 2, cursor });
      assert.ok(page.users.length <= 2);
      paged.push(...page.users.map(({ userID }) => userID));
      cursor = page.cursor;
      if (cursor === '') break;
    }
    assert.deepEqual(paged, all);
  });

  test(`a search finds what id or nickname contains, whatever the case (${tenant})`, async () => {
    const found = async (fields: Partial<Messages['user.SearchUsersReq']>) =>
      (await search(fields)).users.map(({ userID }) => userID);
    assert.deepEqual(await found({ userID: 'ann' }), ['anna', 'ANNETTE']);
    assert.deepEqual(await found({ nickName: 'BER' }), ['Bert']);
    assert.deepEqual(await found({ userID: 'nobody' }), []);
  });
}

test('only administrators search so, in pages of 1 to 500, with cursors of pages', async () => {
  const [t1] = TENANTS;
  const code = (admin: boolean, fields: Partial<Messages['user.SearchUsersReq']>) =>
    codeOf(
      domain.user.searchUsers(as(t1, 'u1', admin), make('user.SearchUsersReq', { limit: 1, ...fields })),
    );
  assert.equal(await code(false, {}), ERR.NoPermissionError);
  assert.equal(await code(true, { limit: 501 }), ERR.ArgsError);
  assert.equal(await code(true, { limit: 0 }), ERR.ArgsError);
  assert.equal(await code(true, { cursor: 'x' }), ERR.ArgsError);
});
