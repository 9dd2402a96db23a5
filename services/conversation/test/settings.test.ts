import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { type conversation, ERR, idHash, make, ROLE } from '@im/protocol';
import { blackRepo, conversationSettingsChanges, groupMemberChanges } from '@im/store';
import { as, refuses, route, TENANTS } from '@im/testing';
import { type Harness, inGroup, single, startHarness } from './harness.ts';

const [t1, t2] = TENANTS;
let harness: Harness;

before(async () => {
  harness = await startHarness();
  await harness.addUsers(t1, 'a', 'b', 'c', 'd', 'e', 'f');
  await harness.addUsers(t2, 'a', 'b');
});
after(() => harness?.[Symbol.asyncDispose]());
beforeEach(() => {
  harness.takeSent();
});

const page = make('sdkws.RequestPagination', { pageNumber: 1, showNumber: 100 });

function set(by: string, userIDs: string[], fields: Partial<conversation.ConversationReq>, tenant = t1) {
  return harness.conversation.setConversations(
    as(tenant, by),
    make('conversation.SetConversationsReq', {
      userIDs,
      conversation: make('conversation.ConversationReq', fields),
    }),
  );
}
async function listOf(ownerUserID: string, tenant = t1) {
  const req = make('conversation.GetAllConversationsReq', { ownerUserID });
  return (await harness.conversation.getAllConversations(as(tenant, ownerUserID), req)).conversations;
}

describe('settings', () => {
  test('create missing records, and notify once', async () => {
    const chat = { conversationID: 'si_a_b', conversationType: 1, userID: 'b' };
    await set('a', ['a'], { ...chat, recvMsgOpt: 2, isPinned: true });
    const [sent] = harness.takeSent();
    assert.ok(sent);
    assert.equal(route(sent), '1300 a>a');
    assert.deepEqual(sent.tips, { userID: 'a', conversationIDList: ['si_a_b'] });
    await set('a', ['a'], { ...chat, recvMsgOpt: 2 });
    assert.deepEqual(harness.takeSent(), [], 'nothing changed');
    await set('a', ['a'], chat);
    assert.deepEqual(harness.takeSent(), []);
    const [record] = await listOf('a');
    assert.deepEqual(
      [record?.conversationID, record?.userID, record?.recvMsgOpt, record?.isPinned, record?.maxSeq],
      ['si_a_b', 'b', 2, true, 0],
    );
    assert.deepEqual(await listOf('b'), []);
    assert.deepEqual(await listOf('a', t2), []);
    const ids = make('conversation.GetNotNotifyConversationIDsReq', { userID: 'a' });
    const quiet = await harness.conversation.getNotNotifyConversationIDs(as(t1, 'a'), ids);
    assert.deepEqual(quiet.conversationIDs, ['si_a_b']);
    const pinned = await harness.conversation.getPinnedConversationIDs(
      as(t1, 'a'),
      make('conversation.GetPinnedConversationIDsReq', { userID: 'a' }),
    );
    assert.deepEqual(pinned.conversationIDs, ['si_a_b']);
  });

  test('private chat is shared by both users, and the peer is notified', async () => {
    const chat = { conversationID: 'si_c_d', conversationType: 1, userID: 'd' };
    await set('c', ['c'], { ...chat, isPrivateChat: true });
    const [sent, ...more] = harness.takeSent();
    assert.ok(sent);
    assert.equal(more.length, 0);
    assert.equal(route(sent), '1701 c>d');
    assert.deepEqual(sent.tips, { recvID: 'd', sendID: 'c', isPrivate: true, conversationID: 'si_c_d' });
    const both = [...(await listOf('c')), ...(await listOf('d'))];
    assert.deepEqual(
      both.map((record) => [record.ownerUserID, record.userID, record.isPrivateChat]),
      [
        ['c', 'd', true],
        ['d', 'c', true],
      ],
    );
    await set('c', ['c'], { ...chat, isPrivateChat: false, burnDuration: 30 });
    assert.deepEqual(harness.takeSent().map(route), ['1300 c>c', '1701 c>d']);
    await refuses(
      ERR.RecordNotFoundError,
      set('c', ['c'], { conversationType: 1, userID: 'nobody', isPrivateChat: true }),
    );
  });

  test('what is refused: others, foreign chats, groups that one is not in, wrong values', async () => {
    await groupMemberChanges(harness.store).add(t1, 'g', [
      {
        groupID: 'g',
        userID: 'a',
        nickname: '',
        faceURL: '',
        roleLevel: ROLE.Owner,
        joinTime: 1,
        joinSource: 2,
        inviterUserID: '',
        operatorUserID: '',
        muteEndTime: 0,
        ex: '',
      },
    ]);
    const chat = { conversationType: 1, userID: 'b', isPinned: true };
    await refuses(ERR.NoPermissionError, set('a', ['a', 'b'], { ...chat, userID: 'c' }));
    await refuses(ERR.ArgsError, set('a', ['a'], { ...chat, conversationID: 'si_b_c' }));
    await refuses(ERR.ArgsError, set('a', ['a'], { ...chat, recvMsgOpt: 3 }));
    await refuses(ERR.ArgsError, set('a', ['a'], { conversationType: 0, isPinned: true }));
    const group = { conversationType: 3, groupID: 'g', isPinned: true };
    await refuses(ERR.NotInGroupYetError, set('b', ['b'], group));
    await set('a', ['a'], group);
    assert.ok((await listOf('a')).some(({ conversationID }) => conversationID === 'sg_g'));
  });

  test('marks and bounds set by other domains', async () => {
    const { conversation: service, store } = harness;
    const changes = conversationSettingsChanges(store);
    const owners = ['a', 'b', 'c', 'd'];
    await changes.createForOwners(
      t1,
      owners.map((owner) => inGroup(owner, 'marked')),
    );
    await changes.freezeForUsers(t1, 'sg_marked', ['d'], 7, { position: 1, version: 1 });
    const mark = (groupAtType: number, userIDs: string[], exceptUserIDs: string[] = []) =>
      service.setGroupAtType(
        as(t1, '', true),
        make('conversation.SetGroupAtTypeReq', { groupID: 'marked', groupAtType, userIDs, exceptUserIDs }),
      );
    await mark(4, [], ['a']);
    assert.deepEqual(harness.takeSent().map(route).sort(), ['1300 b>b', '1300 c>c']);
    await mark(1, ['b', 'nobody']);
    assert.deepEqual(harness.takeSent().map(route), ['1300 b>b']);
    const asUser = make('conversation.SetGroupAtTypeReq', { groupID: 'marked', groupAtType: 2 });
    await refuses(ERR.NoPermissionError, service.setGroupAtType(as(t1, 'a'), asUser));

    const minSeqs = [
      make('conversation.ConversationMinSeq', { conversationID: 'sg_marked', minSeq: 5 }),
      make('conversation.ConversationMinSeq', { conversationID: 'none', minSeq: 5 }),
    ];
    await service.setMinSeqs(as(t1, 'a'), make('conversation.SetMinSeqsReq', { ownerUserID: 'a', minSeqs }));
    const [sent] = harness.takeSent();
    assert.deepEqual(sent?.tips.conversationIDList, ['sg_marked']);
    const found = await service.getConversation(
      as(t1, 'a'),
      make('conversation.GetConversationReq', { ownerUserID: 'a', conversationID: 'sg_marked' }),
    );
    assert.equal(found.conversation?.minSeq, 5);
    await refuses(
      ERR.RecordNotFoundError,
      service.getConversation(
        as(t1, 'a'),
        make('conversation.GetConversationReq', { ownerUserID: 'a', conversationID: 'none' }),
      ),
    );
  });
});

describe('deletion', () => {
  const remove = (conversationIDs: string[]) =>
    harness.conversation.deleteConversations(
      as(t1, 'd'),
      make('conversation.DeleteConversationsReq', { ownerUserID: 'd', conversationIDs }),
    );
  const idsOf = async () => (await listOf('d')).map(({ conversationID }) => conversationID).sort();

  test('is in the log before it is done, once for each partition, without groups and what does not exist', async () => {
    const changes = conversationSettingsChanges(harness.store);
    const account = { ...single('d', 'a'), conversationID: 'sn_a_d', conversationType: 4 };
    await changes.createForOwners(t1, [
      single('d', 'a'),
      single('d', 'b'),
      single('d', 'long'),
      account,
      inGroup('d', 'left'),
    ]);
    const before = await idsOf();
    harness.refuseLog(true);
    await refuses(ERR.NetworkError, remove(['si_a_d', 'si_b_d']));
    harness.refuseLog(false);
    assert.deepEqual(await idsOf(), before, 'nothing is deleted that the log does not know of');

    harness.logged.length = 0;
    await remove(['si_a_d', 'si_b_d', 'si_d_long', 'sn_a_d', 'sg_left', 'si_d_nobody']);
    const sent = harness.logged.map(({ partition, record }) => [partition, record.deletedRecords]);
    assert.deepEqual(sent, [
      ['a_d'.length, ['si_a_d', 'si_b_d', 'sn_a_d']],
      ['d_long'.length, ['si_d_long']],
    ]);
    for (const { record } of harness.logged) {
      const { tenant, placement, dedupKey } = record;
      assert.deepEqual([tenant, placement, dedupKey.length], [t1, 1, 16]);
    }
    const gone = ['si_a_d', 'si_b_d', 'si_d_long', 'sn_a_d', 'sg_left'];
    assert.deepEqual(
      await idsOf(),
      before.filter((id) => !gone.includes(id)),
    );
    harness.logged.length = 0;
    await remove(['si_a_d', 'si_d_nobody']);
    assert.deepEqual(harness.logged, [], 'what does not exist costs the log nothing');
  });
});

describe('synchronization', () => {
  test('full, equal, delta, deletion, hash', async () => {
    const { conversation: service, store } = harness;
    const changes = conversationSettingsChanges(store);
    await changes.createForOwners(t1, [single('e', 'a'), single('e', 'b')]);
    const me = as(t1, 'e');
    const sync = (versionID = '', version = 0) =>
      service.getIncrementalConversation(
        me,
        make('conversation.GetIncrementalConversationReq', { userID: 'e', versionID, version }),
      );
    const first = await sync();
    assert.deepEqual([first.full, first.insert], [true, []]);
    const { versionID, version } = first;
    assert.equal((await sync(versionID, version)).full, false);
    await set('e', ['e'], { conversationType: 1, userID: 'a', isPinned: true });
    await changes.createForOwners(t1, [single('e', 'c')]);
    await service.deleteConversations(
      me,
      make('conversation.DeleteConversationsReq', { ownerUserID: 'e', conversationIDs: ['si_b_e'] }),
    );
    const delta = await sync(versionID, version);
    assert.deepEqual(
      [
        delta.full,
        delta.insert.map(({ conversationID }) => conversationID),
        delta.update.map(({ conversationID, isPinned }) => [conversationID, isPinned]),
        delta.delete,
      ],
      [false, ['si_c_e'], [['si_a_e', true]], ['si_b_e']],
    );
    const full = (hash: string) =>
      service.getFullOwnerConversationIDs(
        me,
        make('conversation.GetFullOwnerConversationIDsReq', { userID: 'e', idHash: hash }),
      );
    const ids = await full('0');
    assert.deepEqual(
      [ids.equal, ids.conversationIDs, ids.version],
      [false, ['si_a_e', 'si_c_e'], delta.version],
    );
    assert.equal((await full(idHash(['si_a_e', 'si_c_e']))).equal, true);
    const owned = await service.getOwnerConversation(
      me,
      make('conversation.GetOwnerConversationReq', { userID: 'e', pagination: page }),
    );
    assert.equal(owned.total, 2);
    const foreign = make('conversation.GetOwnerConversationReq', { userID: 'a', pagination: page });
    await refuses(ERR.NoPermissionError, service.getOwnerConversation(me, foreign));
  });
});

describe('what lands at the peer', () => {
  test('is refused as a message would be, and changes nothing on either side', async () => {
    await harness.addUsers(t1, 'p', 'q');
    const chat = { conversationID: 'si_p_q', conversationType: 1, userID: 'q' };
    const block = {
      ownerUserID: 'q',
      blackUserID: 'p',
      createTime: 1,
      addSource: 0,
      operatorUserID: 'q',
      ex: '',
    };
    await blackRepo(harness.store).add(t1, block);
    await refuses(ERR.BlockedByPeer, set('p', ['p'], { ...chat, isPrivateChat: true, isPinned: true }));
    assert.deepEqual(harness.takeSent(), []);
    assert.deepEqual([...(await listOf('p')), ...(await listOf('q'))], []);
    await set('p', ['p'], { ...chat, isPinned: true });
    assert.deepEqual(harness.takeSent().map(route), ['1300 p>p'], 'own settings are free');
    assert.deepEqual(await listOf('q'), []);
    await set('q', ['q'], {
      conversationID: 'si_p_q',
      conversationType: 1,
      userID: 'p',
      isPrivateChat: true,
    });
    assert.deepEqual(harness.takeSent().map(route), ['1701 q>p']);
    await harness.conversation.setConversations(
      as(t1, 'imAdmin', true),
      make('conversation.SetConversationsReq', {
        userIDs: ['p'],
        conversation: make('conversation.ConversationReq', { ...chat, isPrivateChat: false }),
      }),
    );
    assert.deepEqual(harness.takeSent().map(route), ['1701 p>q'], 'administrators reach everybody');
  });
});
