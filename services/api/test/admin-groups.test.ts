import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ERR, make } from '@im/protocol';
import { startApi } from './harness.ts';

const headers = { token: 'admin-token' };

test('groups and members come page by page, under cursors that hold for one length of pages', async () => {
  await using api = await startApi();
  const member = (userID: string) => make('sdkws.GroupMemberFullInfo', { userID, roleLevel: 20 });
  api.stub('group.getGroupMemberList', (_ctx, { pagination }: { pagination: { pageNumber: number } }) =>
    make('group.GetGroupMemberListResp', {
      total: 3,
      members: pagination.pageNumber === 1 ? [member('a'), member('b')] : [member('c')],
    }),
  );
  const get = async (query: string) => {
    const url = `/admin/v1/groups/g1/members?${query}`;
    const { statusCode, json } = await api.app.inject({ method: 'GET', url, headers });
    return { status: statusCode, json: json() };
  };
  const first = await get('limit=2');
  const { nextCursor: cursor } = first.json;
  const last = await get(`limit=2&cursor=${cursor}`);
  assert.deepEqual(
    [...first.json.members, ...last.json.members].map(({ userID }: { userID: string }) => userID),
    ['a', 'b', 'c'],
  );
  assert.equal('nextCursor' in last.json, false);
  const other = await get(`limit=3&cursor=${cursor}`);
  assert.deepEqual(
    [other.status, other.json.error.code, other.json.error.field],
    [400, ERR.ArgsError, 'cursor'],
  );
});

test('a group has its owner, and an unknown one is 404', async () => {
  await using api = await startApi();
  const groupInfo = make('sdkws.GroupInfo', { groupID: 'g1', groupName: 'G' });
  api.stub('group.getGroups', () =>
    make('group.GetGroupsResp', {
      total: 1,
      groups: [make('group.CMSGroup', { groupInfo, groupOwnerUserID: 'u' })],
    }),
  );
  const list = await api.app.inject({ method: 'GET', url: '/admin/v1/groups?groupName=G', headers });
  assert.deepEqual(
    list
      .json()
      .groups.map((group: { groupID: string; ownerUserID: string }) => [group.groupID, group.ownerUserID]),
    [['g1', 'u']],
  );
  const one = await api.app.inject({ method: 'GET', url: '/admin/v1/groups/g2', headers });
  assert.deepEqual([one.statusCode, one.json().error.code], [404, ERR.GroupIDNotFoundError]);
});

test('groups are dismissed and messages revoked as the administrator, on the record', async () => {
  await using api = await startApi();
  const dismissed = await api.app.inject({
    method: 'DELETE',
    url: '/admin/v1/groups/g1?reason=spam',
    headers,
  });
  const revoked = await api.app.inject({
    ...{ method: 'POST', url: '/admin/v1/conversations/si_a_b/messages/7/revoke', headers },
    payload: { reason: 'insult' },
  });
  assert.deepEqual([dismissed.statusCode, revoked.statusCode], [200, 200]);
  const acts = api.calls.filter(({ target }) => !target.startsWith('auth.'));
  assert.deepEqual(
    acts.map(({ target, ctx, request }) => [target, ctx.opUserID, request.groupID ?? request.seq]),
    [
      ['group.dismissGroup', 'imAdmin', 'g1'],
      ['msg.revokeMsg', 'imAdmin', 7],
    ],
  );
  const recorded = api.calls.filter(({ target }) => target === 'auth.addAuditRecord');
  assert.deepEqual(
    recorded.map(({ request }) => {
      const { act, targetID, reason } = request.record as Record<string, string>;
      return [act, targetID, reason];
    }),
    [
      ['group.dismiss', 'g1', 'spam'],
      ['message.revoke', 'si_a_b', 'insult'],
    ],
  );
});
