import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type conversation, ERR, ImError, make } from '@im/protocol';
import { auditRepo, conversationSettingsChanges } from '@im/store';
import { as, refuses, TENANTS } from '@im/testing';
import { type Harness, inGroup, single, startHarness } from './harness.ts';

const [t1] = TENANTS;
let harness: Harness;

before(async () => {
  harness = await startHarness();
  await harness.addUsers(t1, 'a', 'b', 'c', 'd', 'e', 'f');
});
after(() => harness?.[Symbol.asyncDispose]());
beforeEach(() => {
  harness.takeSent();
});

async function listOf(ownerUserID: string, tenant = t1) {
  const req = make('conversation.GetAllConversationsReq', { ownerUserID });
  return (await harness.conversation.getAllConversations(as(tenant, ownerUserID), req)).conversations;
}

test("conversations are read by id, in no other user's name", async () => {
  await conversationSettingsChanges(harness.store).createForOwners(t1, [single('e', 'a'), single('e', 'b')]);
  const request = make('conversation.GetConversationsReq', {
    ownerUserID: 'e',
    conversationIDs: ['si_a_e', 'si_none_e'],
  });
  const { conversations } = await harness.conversation.getConversations(as(t1, 'e'), request);
  assert.deepEqual(
    conversations.map(({ conversationID }) => conversationID),
    ['si_a_e'],
  );
});

test('an opening JavaScript client gets the first conversations of those that are too large together', async () => {
  await harness.addUsers(t1, 'js');
  const ids = Array.from({ length: 40 }, (_, i) => `huge${i}`);
  const changes = conversationSettingsChanges(harness.store);
  await changes.createForOwners(
    t1,
    ids.map((id) => inGroup('js', id)),
  );
  await changes.apply(t1, [inGroup('js', 'huge0')], { ex: 'kept' });
  const now = Date.now();
  for (const [i, id] of ids.entries()) {
    harness.positions.set(`sg_${id}`, { maxSeq: 2, hasReadSeq: 1, maxSeqTime: now - i });
    harness.messages.set(`sg_${id}`, { sendID: 'a', clientMsgID: id, content: Buffer.from('x') });
  }
  const active = await harness.conversation.getActiveConversations(
    as(t1, 'js'),
    make('jssdk.GetActiveConversationsReq', { ownerUserID: 'js', count: 100 }),
  );
  const named = await harness.conversation.getJssdkConversations(
    as(t1, 'js'),
    make('jssdk.GetConversationsReq', { ownerUserID: 'js', conversationIDs: ids.map((id) => `sg_${id}`) }),
  );
  for (const { unreadCount, conversations } of [active, named]) {
    // Profiles and groups count: 240 KB each, 4 MiB in all.
    assert.deepEqual([unreadCount, conversations.length], [40, 17]);
    assert.deepEqual(
      conversations.map(({ conversation }) => conversation?.groupID),
      ids.slice(0, 17),
    );
    assert.equal(conversations[0]?.conversation?.ex, 'kept');
  }
});

describe('views with messages', () => {
  const now = Date.now();
  before(async () => {
    const changes = conversationSettingsChanges(harness.store);
    await changes.createForOwners(t1, [
      single('f', 'a'),
      single('f', 'b'),
      single('f', 'c'),
      inGroup('f', 'team'),
    ]);
    await changes.apply(t1, [single('f', 'a')], { isPinned: true });
    harness.positions.set('si_a_f', { maxSeq: 5, hasReadSeq: 5, maxSeqTime: now - 30 * 86_400_000 });
    harness.positions.set('si_b_f', { maxSeq: 9, hasReadSeq: 4, maxSeqTime: now - 2_000 });
    harness.positions.set('sg_team', { maxSeq: 3, hasReadSeq: 0, maxSeqTime: now - 1_000 });
    const text = (sendID: string, content: string) => ({
      sendID,
      clientMsgID: content,
      content: Buffer.from(content),
      sendTime: now,
    });
    harness.messages.set('si_a_f', text('a', 'old'));
    harness.messages.set('si_b_f', text('b', 'new'));
    harness.messages.set('sg_team', text('c', 'team'));
  });

  test('the sorted list: pinned first, then by time, without chats that have no message', async () => {
    const ask = (conversationIDs: string[], pageNumber: number, showNumber: number, by = 'f') =>
      harness.conversation.getSortedConversationList(
        as(t1, by),
        make('conversation.GetSortedConversationListReq', {
          userID: by,
          conversationIDs,
          pagination: make('sdkws.RequestPagination', { pageNumber, showNumber }),
        }),
      );
    const all = await ask([], 1, 10);
    assert.deepEqual(
      [
        all.conversationTotal,
        all.unreadTotal,
        all.conversationElems.map((e) => [e.conversationID, e.unreadCount, e.IsPinned, e.msgInfo?.content]),
      ],
      [
        3,
        8,
        [
          ['si_a_f', 0, true, 'old'],
          ['sg_team', 3, false, 'team'],
          ['si_b_f', 5, false, 'new'],
        ],
      ],
    );
    const team = all.conversationElems[1]?.msgInfo;
    assert.deepEqual([team?.senderName, team?.groupName, team?.groupMemberCount], ['Nc', 'Gteam', 3]);
    assert.deepEqual(
      (await ask([], 2, 2)).conversationElems.map((e) => e.conversationID),
      ['si_b_f'],
    );
    assert.equal((await ask(['si_b_f'], 1, 10)).unreadTotal, 5);
    await refuses(ERR.RecordNotFoundError, ask(['none'], 1, 10));
  });

  test('what the JavaScript SDK opens with', async () => {
    const { conversation: service } = harness;
    const active = await service.getActiveConversations(
      as(t1, 'f'),
      make('jssdk.GetActiveConversationsReq', { ownerUserID: 'f', count: 2 }),
    );
    assert.equal(active.unreadCount, 8, 'over all conversations');
    assert.deepEqual(
      active.conversations.map((c) => [
        c.conversation?.conversationID,
        c.user?.nickname ?? null,
        c.group?.groupName ?? null,
        c.maxSeq,
        c.readSeq,
        c.lastMsg?.clientMsgID,
      ]),
      [
        ['si_a_f', 'Na', null, 5, 5, 'old'],
        ['sg_team', null, 'Gteam', 3, 0, 'team'],
      ],
    );
    const named = await service.getJssdkConversations(
      as(t1, 'f'),
      make('jssdk.GetConversationsReq', { ownerUserID: 'f', conversationIDs: ['si_b_f', 'si_c_f', 'none'] }),
    );
    assert.deepEqual(
      [named.unreadCount, named.conversations.map((c) => c.conversation?.conversationID)],
      [5, ['si_b_f']],
    );
    const nothing = await service.getJssdkConversations(
      as(t1, 'f'),
      make('jssdk.GetConversationsReq', { ownerUserID: 'f' }),
    );
    assert.deepEqual([nothing.unreadCount, nothing.conversations], [0, []]);
    const foreign = make('jssdk.GetConversationsReq', { ownerUserID: 'a' });
    await refuses(ERR.NoPermissionError, service.getJssdkConversations(as(t1, 'f'), foreign));
  });

  test('deletion by age takes what was silent for so long', async () => {
    const { conversation: service } = harness;
    const remove = (fields: Partial<conversation.DeleteConversationsReq>) =>
      service.deleteConversations(
        as(t1, 'f'),
        make('conversation.DeleteConversationsReq', { ownerUserID: 'f', ...fields }),
      );
    await refuses(ERR.ArgsError, remove({}));
    await refuses(ERR.ArgsError, remove({ needDeleteTime: 1, conversationIDs: ['si_a_f'] }));
    await remove({ needDeleteTime: 7 });
    assert.deepEqual(
      (await listOf('f')).map(({ conversationID }) => conversationID),
      ['si_b_f', 'si_c_f', 'sg_team'],
    );
    assert.deepEqual(harness.takeSent(), []);
  });

  test('extra data of a user reaches the records of their peers', async () => {
    const { conversation: service } = harness;
    const update = make('conversation.UpdateConversationsByUserReq', { userID: 'b', ex: 'vip' });
    await refuses(ERR.NoPermissionError, service.updateConversationsByUser(as(t1, 'f'), update));
    await service.updateConversationsByUser(as(t1, 'b'), update);
    const found = (await listOf('f')).filter(({ ex }) => ex === 'vip');
    assert.deepEqual(
      found.map(({ conversationID }) => conversationID),
      ['si_b_f'],
    );
  });

  test('extra data for others has the limit of what others hear of', async () => {
    const { conversation: service } = harness;
    const update = make('conversation.UpdateConversationsByUserReq', { userID: 'c', ex: 'x' });
    const change = (admin = false) => service.updateConversationsByUser(as(t1, 'c', admin), update);
    for (let i = 0; i < 10; i++) await change();
    await assert.rejects(change(), (error) => {
      assert.ok(error instanceof ImError);
      assert.equal(error.code, ERR.TooManyRequests);
      assert.match(error.detail, /others hear of \(limits\.profileChanges\); try again later/);
      return true;
    });
    await change(true);
  });
});

test("an administrator who opens another user's conversations is recorded, the user is not", async () => {
  await harness.addUsers(t1, 'watched');
  await conversationSettingsChanges(harness.store).createForOwners(t1, [single('watched', 'b')]);
  harness.messages.set('si_b_watched', { sendID: 'b', clientMsgID: 'm', content: Buffer.from('secret') });
  harness.positions.set('si_b_watched', { maxSeq: 1, hasReadSeq: 0, maxSeqTime: Date.now() });
  const ownerUserID = 'watched';
  const conversationIDs = ['si_b_watched'];
  const pagination = make('sdkws.RequestPagination', { pageNumber: 1, showNumber: 10 });
  for (const ctx of [as(t1, 'watched'), as(t1, 'imAdmin', true)]) {
    const { conversation } = harness;
    await conversation.getActiveConversations(ctx, make('jssdk.GetActiveConversationsReq', { ownerUserID }));
    await conversation.getJssdkConversations(
      ctx,
      make('jssdk.GetConversationsReq', { ownerUserID, conversationIDs }),
    );
    await conversation.getSortedConversationList(
      ctx,
      make('conversation.GetSortedConversationListReq', { userID: ownerUserID, conversationIDs, pagination }),
    );
  }
  const { records } = await auditRepo(harness.store).list(t1, { act: 'message.read' }, 100);
  assert.deepEqual(
    records.map(({ admin, targetID, details }) => [admin, targetID, JSON.parse(details).messages]),
    [1, 2, 3].map(() => ['imAdmin', 'watched', 1]),
  );
  assert.doesNotMatch(JSON.stringify(records), /secret/);
});
