import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { sleep } from '@im/kit';
import { ERR, encode, fromJson, ImError, make, type msg, type sdkws } from '@im/protocol';
import { conversationSettings, conversationSettingsChanges, messageCounter, seqUsers } from '@im/store';
import {
  by,
  byAdmin,
  type Fixture,
  groupText,
  makeGroup,
  ONE,
  readPull,
  send,
  startFixture,
  text,
  wordsOf,
} from './harness.ts';

let f: Fixture;
before(async () => {
  f = await startFixture();
});
after(() => f?.[Symbol.asyncDispose]());

const hasCode = (code: number) => (error: unknown) => error instanceof ImError && error.code === code;
const pull = async (userID: string, conversationID: string): Promise<sdkws.MsgData[]> => {
  const seqRanges = [make('sdkws.SeqRange', { conversationID, begin: 1, end: 1_000, num: 1_000 })];
  const request = make('sdkws.PullMessageBySeqsReq', { userID, seqRanges });
  const answer = readPull(await f.msg.pullMessageBySeqs(by(userID), request));
  return (answer.msgs[conversationID] ?? answer.notificationMsgs[conversationID])?.Msgs ?? [];
};
const revoke = (userID: string, conversationID: string, seq: number, ctx = by(userID)) =>
  f.msg.revokeMsg(ctx, make('msg.RevokeMsgReq', { conversationID, seq, userID }));
const positions = async (userID: string, conversationID: string): Promise<msg.Seqs | undefined> => {
  const request = make('msg.GetConversationsHasReadAndMaxSeqReq', { userID });
  return (await f.msg.getConversationsHasReadAndMaxSeq(by(userID), request)).seqs[conversationID];
};
/** Waits for what is written in the background. @throws after 30 s, with the last that was read. */
async function eventually<T>(read: () => Promise<T>, expected: T): Promise<void> {
  for (const end = Date.now() + 30_000; ; await sleep(20)) {
    const found = await read();
    if (isDeepStrictEqual(found, expected)) return;
    if (Date.now() > end) assert.deepEqual(found, expected);
  }
}
/** The tips of the last notification of a type. */
function lastTips(contentType: number) {
  const found = f.log.delivered.findLast(({ message }) => message.contentType === contentType);
  assert.ok(found, `no notification ${contentType}`);
  const { detail } = JSON.parse(Buffer.from(found.message.content).toString());
  return { ...found, tips: JSON.parse(detail) };
}

test('a revoked message reads as revoked, in quotes too, and all participants are notified', async () => {
  const cid = 'si_u1_u2';
  await send(f, text('u1', 'u2', 'secret'));
  const quoteMessage = { seq: 1, contentType: 101, content: 'secret', textElem: { content: 'secret' } };
  const quote = { text: 'what?', quoteMessage };
  await send(f, text('u2', 'u1', '', { contentType: 114, content: Buffer.from(JSON.stringify(quote)) }));
  await assert.rejects(revoke('u2', cid, 1), hasCode(1002));
  await assert.rejects(revoke('u3', cid, 1), hasCode(1004));
  await assert.rejects(revoke('u1', cid, 9), hasCode(1004));
  await assert.rejects(revoke('u1', cid, 1, by('u2')), hasCode(1002));
  await revoke('u1', cid, 1);
  await assert.rejects(revoke('u1', cid, 1), hasCode(1404));

  const [revoked, quoting] = await pull('u2', cid);
  assert.equal(revoked?.contentType, 2101);
  const { detail } = JSON.parse(Buffer.from(revoked?.content ?? []).toString());
  const content = fromJson('sdkws.MessageRevokedContent', detail);
  assert.deepEqual(
    [
      content.revokerID,
      content.revokerNickname,
      content.sourceMessageSendID,
      content.seq,
      content.sessionType,
    ],
    ['u1', 'Name of u1', 'u1', 1, 1],
  );
  const quoted = JSON.parse(Buffer.from(quoting?.content ?? []).toString());
  assert.equal(quoted.text, 'what?');
  assert.equal(quoted.quoteMessage.contentType, 2101);
  assert.equal(JSON.stringify(quoted).includes('secret'), false);

  const told = lastTips(2101);
  assert.equal(told.conversationID, 'n_u1_u2');
  assert.equal(told.seq, 1, 'stored in the notification conversation');
  assert.deepEqual(
    [told.tips.revokerUserID, told.tips.sesstionType, told.tips.seq, told.tips.isAdminRevoke],
    ['u1', 1, 1, false],
  );
  assert.equal((await pull('u2', 'n_u1_u2')).length, 1);
});

test('who may revoke in a group', async () => {
  await makeGroup(f, 'g', ['u1', 'u2', 'u3', 'u4']);
  const cid = 'sg_g';
  for (const sender of ['u1', 'u2', 'u3', 'u3', 'u3', 'u4']) await send(f, groupText(sender, 'g', 'x'));
  // Seq 1 is the creation; then owner 2, admin 3, member 4 to 6, another member 7.
  await assert.rejects(revoke('u4', cid, 4), hasCode(1002), 'a member those of others');
  await assert.rejects(revoke('u2', cid, 2), hasCode(1002), 'an admin those of the owner');
  await assert.rejects(revoke('u5', cid, 4), hasCode(1004), 'a stranger');
  await revoke('u3', cid, 4);
  await revoke('u2', cid, 5);
  await revoke('u1', cid, 3);
  await revoke('imAdmin', cid, 6, byAdmin());
  assert.equal(lastTips(2101).tips.isAdminRevoke, true);
  const types = (await pull('u4', cid)).map(({ contentType }) => contentType);
  assert.deepEqual(types, [1501, 101, 2101, 2101, 2101, 2101, 101]);
});

test('an administrator revokes in a single chat: both users are notified', async () => {
  await send(f, text('u1', 'u9', 'x'));
  await revoke('imAdmin', 'si_u1_u9', 1, byAdmin());
  const { record } = lastTips(2101);
  assert.deepEqual(record.entries[0]?.userIDs.toSorted(), ['u1', 'u9']);
});

test('read positions: marks, receipts, bounds; never back', async () => {
  const cid = 'si_u3_u4';
  for (let i = 0; i < 6; i++) await send(f, text('u3', 'u4', `m${i}`));
  const mark = (hasReadSeq: number, seqs: number[] = [], userID = 'u4') =>
    f.msg.markConversationAsRead(
      by(userID),
      make('msg.MarkConversationAsReadReq', { conversationID: cid, userID, hasReadSeq, seqs }),
    );
  await mark(3, [5]);
  assert.equal((await positions('u4', cid))?.hasReadSeq, 3);
  const first = lastTips(2200);
  assert.equal(first.conversationID, 'n_u3_u4');
  assert.deepEqual(
    [first.tips.seqs, first.tips.hasReadSeq, first.tips.markAsReadUserID],
    [[1, 2, 3, 5], 3, 'u4'],
  );
  assert.ok(first.seq > 0, 'stored');
  assert.deepEqual(
    (await pull('u3', cid)).map(({ isRead }) => isRead),
    [true, true, true, false, true, false],
  );
  await mark(2);
  assert.equal((await positions('u4', cid))?.hasReadSeq, 3, 'never back');
  await mark(1_000_000);
  assert.equal((await positions('u4', cid))?.hasReadSeq, 6, 'never beyond the last message');
  await mark(6, [], 'u3');
  assert.deepEqual(
    (await pull('u3', cid)).map(({ isRead }) => isRead),
    [true, true, true, true, true, true],
    'own messages are read by the other only',
  );
  await assert.rejects(mark(0), hasCode(1001));
  await assert.rejects(
    f.msg.markConversationAsRead(
      by('u5'),
      make('msg.MarkConversationAsReadReq', { conversationID: cid, userID: 'u5', hasReadSeq: 1 }),
    ),
    hasCode(1004),
  );

  const set = (hasReadSeq: number) =>
    f.msg.setConversationHasReadSeq(
      by('u3'),
      make('msg.SetConversationHasReadSeqReq', { conversationID: cid, userID: 'u3', hasReadSeq }),
    );
  await assert.rejects(set(7), hasCode(1001));
  await set(6);
  const own = lastTips(2200);
  assert.deepEqual([own.conversationID, own.seq, own.tips.seqs], ['n_u3_u3', 0, null]);

  const markSeqs = (seqs: number[]) =>
    f.msg.markMsgsAsRead(
      by('u4'),
      make('msg.MarkMsgsAsReadReq', { conversationID: cid, userID: 'u4', seqs }),
    );
  await assert.rejects(markSeqs([]), hasCode(1001));
  await assert.rejects(markSeqs([0]), hasCode(1001));
  await assert.rejects(markSeqs([7]), hasCode(1001));
  await send(f, text('u3', 'u4', 'one more'));
  await markSeqs([7]);
  assert.equal((await positions('u4', cid))?.hasReadSeq, 7);
});

test('in a group a read position only goes to the own devices', async () => {
  await makeGroup(f, 'gr', ['u1', 'u2']);
  await send(f, groupText('u1', 'gr', 'x'));
  await f.msg.markConversationAsRead(
    by('u2'),
    make('msg.MarkConversationAsReadReq', { conversationID: 'sg_gr', userID: 'u2', hasReadSeq: 2 }),
  );
  const told = lastTips(2200);
  assert.deepEqual(
    [told.conversationID, told.seq, told.tips.seqs, told.tips.hasReadSeq],
    ['n_u2_u2', 0, null, 2],
  );
  assert.deepEqual(told.record.entries[0]?.userIDs, ['u2']);
});

test('deleting: any message for oneself, only revocable ones for all', async () => {
  const cid = 'si_u5_u6';
  for (const [from, to] of [
    ['u5', 'u6'],
    ['u6', 'u5'],
    ['u5', 'u6'],
  ] as const) {
    await send(f, text(from, to, 'x'));
  }
  const del = (userID: string, seqs: number[], opt: Partial<msg.DeleteSyncOpt> = {}, id = cid) =>
    f.msg.deleteMsgs(
      by(userID),
      make('msg.DeleteMsgsReq', {
        conversationID: id,
        seqs,
        userID,
        deleteSyncOpt: make('msg.DeleteSyncOpt', opt),
      }),
    );
  await del('u6', [1], { IsSyncSelf: true });
  assert.deepEqual([lastTips(2102).conversationID, lastTips(2102).tips.seqs], ['n_u6_u6', [1]]);
  assert.deepEqual(
    (await pull('u6', cid)).map(({ status }) => status),
    [4, 2, 2],
  );
  assert.deepEqual(
    (await pull('u5', cid)).map(({ status }) => status),
    [2, 2, 2],
  );
  await assert.rejects(del('u6', [3], { IsSyncOther: true }), hasCode(1002));
  await assert.rejects(del('u9', [3], { IsSyncOther: true }), hasCode(1004));
  await del('u6', [2], { IsSyncOther: true });
  assert.equal(lastTips(2102).conversationID, 'n_u5_u6');
  assert.deepEqual(
    (await pull('u5', cid)).map((m) => [m.status, m.clientMsgID === '']),
    [
      [2, false],
      [4, true],
      [2, false],
    ],
  );
  await assert.rejects(del('u6', []), hasCode(1001));
  await assert.rejects(del('u6', [1], {}, ''), hasCode(1001));

  await makeGroup(f, 'gd', ['u1', 'u2', 'u3']);
  await send(f, groupText('u3', 'gd', 'x'));
  await assert.rejects(del('u3', [1], { IsSyncOther: true }, 'sg_gd'), hasCode(1002));
  await del('u2', [2], { IsSyncOther: true }, 'sg_gd');
  assert.equal((await pull('u1', 'sg_gd'))[1]?.status, 4);
});

test('clearing that stops half-way has cleared all or nothing, for pulls and in the record', async () => {
  const cid = 'si_u8_u9';
  await send(f, text('u8', 'u9', 'first'));
  const clear = () =>
    f.msg.clearConversationsMsg(
      by('u9'),
      make('msg.ClearConversationsMsgReq', { userID: 'u9', conversationIDs: [cid] }),
    );
  const seen = async () => {
    const [record] = await conversationSettings(f.store).find(ONE, 'u9', [cid]);
    const bound = (await seqUsers(f.store).get(ONE, 'u9', [cid])).get(cid);
    return [(await pull('u9', cid)).length, record?.minSeq, bound?.min ?? 0];
  };
  f.refuseMinSeqs = new ImError(ERR.NetworkError, 'away');
  await assert.rejects(clear(), hasCode(ERR.NetworkError));
  f.refuseMinSeqs = undefined;
  assert.deepEqual(await seen(), [1, 0, 0]);
  // As a process leaves it that dies behind the first write.
  await conversationSettingsChanges(f.store).setMinSeqs(ONE, 'u9', [{ conversationID: cid, minSeq: 2 }]);
  assert.deepEqual(await seen(), [0, 2, 0]);
  await clear();
  assert.deepEqual(await seen(), [0, 2, 2]);
});

test('clearing: for oneself, for all, and all conversations', async () => {
  const cid = 'si_u7_u8';
  const clear = (userID: string, conversationIDs: string[], opt: Partial<msg.DeleteSyncOpt> = {}) =>
    f.msg.clearConversationsMsg(
      by(userID),
      make('msg.ClearConversationsMsgReq', {
        conversationIDs,
        userID,
        deleteSyncOpt: make('msg.DeleteSyncOpt', opt),
      }),
    );
  for (let i = 0; i < 3; i++) await send(f, text('u7', 'u8', 'x'));
  await clear('u8', [cid, 'si_not_mine'], { IsSyncSelf: true });
  assert.deepEqual(await pull('u8', cid), []);
  assert.equal((await pull('u7', cid)).length, 3);
  assert.deepEqual([(await positions('u8', cid))?.hasReadSeq, (await positions('u8', cid))?.maxSeq], [3, 3]);
  assert.deepEqual(lastTips(1703).tips.conversationIDs, [cid]);
  await send(f, text('u7', 'u8', 'new'));
  assert.deepEqual((await pull('u8', cid)).map(wordsOf), ['new']);

  await makeGroup(f, 'gc', ['u1', 'u2', 'u7']);
  await assert.rejects(clear('u7', ['sg_gc'], { IsSyncOther: true }), hasCode(1002));
  await clear('u2', ['sg_gc'], { IsSyncOther: true });
  assert.equal(lastTips(1703).conversationID, 'n_gc');
  assert.deepEqual(await pull('u7', 'sg_gc'), []);
  await clear('u7', [cid], { IsSyncOther: true });
  assert.deepEqual(await pull('u7', cid), []);

  await send(f, text('u7', 'u8', 'again'));
  await send(f, groupText('u7', 'gc', 'again'));
  await f.msg.userClearAllMsg(by('u7'), make('msg.UserClearAllMsgReq', { userID: 'u7' }));
  assert.deepEqual([await pull('u7', cid), await pull('u7', 'sg_gc')], [[], []]);
  assert.equal((await pull('u8', cid)).length, 1);
  await assert.rejects(clear('u8', []), hasCode(1001));
  await assert.rejects(
    f.msg.userClearAllMsg(by('u8'), make('msg.UserClearAllMsgReq', { userID: 'u7' })),
    hasCode(1002),
  );
});

test('administrators remove old messages, and count and search the others', async () => {
  const cid = 'si_b_c';
  for (let i = 0; i < 4; i++) await send(f, text('b', 'c', `needle ${i}`));
  await makeGroup(f, 'gs', ['b', 'c']);
  await send(f, groupText('c', 'gs', 'in the group'));
  const search = (change: Partial<msg.SearchMessageReq>) =>
    f.msg.searchMessage(
      byAdmin(),
      make('msg.SearchMessageReq', {
        pagination: make('sdkws.RequestPagination', { pageNumber: 1, showNumber: 100 }),
        ...change,
      }),
    );
  const found = await search({ sendID: 'b', recvID: 'c' });
  assert.equal(found.chatLogsNum, 4);
  assert.deepEqual(
    found.chatLogs.map(({ chatLog }) => [chatLog?.seq, chatLog?.recvNickname]),
    [1, 2, 3, 4].map((seq) => [seq, 'Name of c']),
  );
  const inGroup = await search({ sendID: 'c', recvID: 'gs' });
  assert.deepEqual(
    inGroup.chatLogs.map(({ chatLog }) => [
      chatLog?.groupName,
      chatLog?.groupMemberCount,
      chatLog?.groupOwner,
    ]),
    [['Group gs', 2, 'b']],
  );
  assert.equal((await search({ recvID: 'c' })).chatLogsNum, 4);
  assert.equal((await search({ sendID: 'c', contentType: 101 })).chatLogsNum, 1);
  assert.equal((await search({ sendID: 'b', sendTime: '2001-01-01' })).chatLogsNum, 0);
  const day = new Date().toISOString().slice(0, 10);
  assert.equal((await search({ sendID: 'b', sessionType: 1, sendTime: day })).chatLogsNum, 4);
  assert.ok((await search({})).chatLogsNum > 10);
  const minute = new Date().toISOString().slice(0, 16);
  const earlier = new Date(Date.now() - 600_000).toISOString().slice(0, 16);
  assert.equal(
    (await search({ sendID: 'b', sessionType: 1, sendTime: `${earlier}/${minute}` })).chatLogsNum,
    4,
  );
  assert.equal((await search({ sendID: 'b', sendTime: earlier })).chatLogsNum, 0);
  await conversationSettingsChanges(f.store).remove(ONE, 'b', [cid]);
  assert.equal((await search({ sendID: 'b', sessionType: 1 })).chatLogsNum, 4, 'without a record, too');
  const far = make('sdkws.RequestPagination', { pageNumber: 51, showNumber: 1_000 });
  await assert.rejects(search({ pagination: far }), { code: 1001, detail: /^pagination reaches beyond/ });
  for (const sendTime of ['yesterday', '2024-02-31', '2024-13-01', '2024-2-3']) {
    await assert.rejects(search({ sendTime }), hasCode(1001), sendTime);
  }
  await assert.rejects(f.msg.searchMessage(by('b'), make('msg.SearchMessageReq')), hasCode(1002));

  const period = { start: Date.now() - 3_600_000, end: Date.now() + 1_000 };
  const pagination = make('sdkws.RequestPagination', { pageNumber: 1, showNumber: 3 });
  const { signal } = new AbortController();
  const budget = { messages: 100_000, until: Number.POSITIVE_INFINITY, signal };
  await messageCounter(f.store).count(ONE, 0, budget);
  const users = await f.msg.getActiveUser(
    byAdmin(),
    make('msg.GetActiveUserReq', { ...period, group: true, pagination }),
  );
  assert.equal(users.users.length, 3);
  assert.ok((users.users[0]?.count ?? 0) >= (users.users[1]?.count ?? 0));
  assert.equal(
    Object.values(users.dateCount).reduce((sum, n) => sum + n, 0),
    users.msgCount,
  );
  const groups = await f.msg.getActiveGroup(
    byAdmin(),
    make('msg.GetActiveGroupReq', {
      ...period,
      ase: true,
      pagination: make('sdkws.RequestPagination', { pageNumber: 1, showNumber: 99 }),
    }),
  );
  const gs = groups.groups.find(({ group }) => group?.groupID === 'gs');
  assert.deepEqual([gs?.count, gs?.group?.groupName], [2, 'Group gs']);
  await assert.rejects(f.msg.getActiveUser(byAdmin(), make('msg.GetActiveUserReq')), hasCode(1001));
  await assert.rejects(f.msg.getActiveUser(by('b'), make('msg.GetActiveUserReq', period)), hasCode(1002));

  const remove = (timestamp: number) =>
    f.msg.deleteMsgPhysical(
      byAdmin(),
      make('msg.DeleteMsgPhysicalReq', { conversationIDs: [cid], timestamp }),
    );
  await remove(3_600);
  assert.equal((await pull('c', cid)).length, 4, 'nothing is that old');
  await new Promise((resolve) => setTimeout(resolve, 3_100));
  await send(f, text('b', 'c', 'young'));
  await remove(3);
  assert.deepEqual((await pull('c', cid)).map(wordsOf), ['young']);
  await assert.rejects(remove(0), hasCode(1001));
});

test('sends in a batch are judged one by one; the status of HTTP sends is remembered', async () => {
  const { encode } = await import('@im/protocol');
  const item = (m: sdkws.MsgData, change: Partial<msg.SendItem> = {}) =>
    make('msg.SendItem', {
      tenant: ONE,
      operationID: 'batch',
      opUserID: m.sendID,
      msgData: encode('sdkws.MsgData', m),
      ...change,
    });
  const { results } = await f.msg.sendMsgs(
    by(''),
    make('msg.SendMsgsReq', {
      items: [
        item(text('u1', 'u2', 'good')),
        item(text('u1', 'u2', 'forged'), { opUserID: 'u3' }),
        item(text('u1', 'u2', 'garbage'), { msgData: Buffer.from([0xff, 0xff]) }),
        item(text('u1', 'nobody', 'lost')),
        item(text('u1', 'u2', 'x'), { tenant: 'two' }),
        item(text('u1', 'u2', 'x'), { tenant: 'unheard-of' }),
      ],
    }),
  );
  assert.deepEqual(
    results.map(({ code }) => code),
    [0, 1002, 1001, 1004, 0, 90004],
  );
  assert.ok(results[0]?.resp?.serverMsgID);

  // Who takes parts gets what is done before the rest is: here the refusals, before the log has any.
  const parts: msg.SendMsgsResp[] = [];
  const onPartial = (part: object) => parts.push(part as msg.SendMsgsResp);
  const mixed = make('msg.SendMsgsReq', {
    items: [
      item(text('u1', 'u2', 'parts')),
      item(text('u1', 'u2', 'garbage'), { msgData: Buffer.from([0xff, 0xff]) }),
    ],
  });
  const rest = await f.msg.sendMsgs({ ...by(''), onPartial }, mixed);
  const all = [...parts, rest].flatMap((part) =>
    part.indexes.map((index, i) => [index, part.results[i]?.code]),
  );
  assert.deepEqual(
    all.toSorted(([a = 0], [b = 0]) => a - b),
    [
      [0, 0],
      [1, 1001],
    ],
  );
  assert.ok(parts.length <= 1, `${parts.length} parts for two sends`);

  const status = async (operationID: string) =>
    (await f.msg.getSendMsgStatus(by('u1', { operationID }), make('msg.GetSendMsgStatusReq'))).status;
  // The status is written in the background, and lost when Redis takes longer than a second: then sent again.
  let attempt = 0;
  const noted = async () => {
    attempt++;
    await send(f, text('u1', 'u2', 'x'), byAdmin({ operationID: `good-op${attempt}` }));
    await assert.rejects(send(f, text('u1', 'nobody', 'x'), byAdmin({ operationID: `bad-op${attempt}` })));
    const read = () => Promise.all([status(`good-op${attempt}`), status(`bad-op${attempt}`)]);
    for (const end = Date.now() + 2_000; ; await sleep(20)) {
      const found = await read();
      if (isDeepStrictEqual(found, [2, 3]) || Date.now() > end) return found;
    }
  };
  await eventually(noted, [2, 3]);
  assert.equal(await status('no-op'), 0);
  assert.ok((await f.msg.getServerTime(byAdmin(), make('msg.GetServerTimeReq'))).serverTime > 1.7e12);
});

test('a mention marks the conversations of those who are meant', async () => {
  const { conversationSettings } = await import('@im/store');
  await makeGroup(f, 'gm', ['u1', 'u2', 'u3', 'u4']);
  const at = (ids: string[]) => send(f, groupText('u1', 'gm', '@', { contentType: 106, atUserIDList: ids }));
  const marks = async () => {
    const found = await Promise.all(
      ['u1', 'u2', 'u3', 'u4'].map((id) => conversationSettings(f.store).find(ONE, id, ['sg_gm'])),
    );
    return found.map(([record]) => record?.groupAtType);
  };
  await at(['u2']);
  await eventually(marks, [0, 1, 0, 0]);
  await at(['AtAllTag', 'u3']);
  await eventually(marks, [0, 2, 3, 2]);
});

test('users who leave a group, or rejoin, are notified of the changed conversation by the change itself', async () => {
  await makeGroup(f, 'gt', ['u1', 'u2', 'u3']);
  const change = (contentType: number, fields: Partial<msg.SendNotificationReq>) =>
    f.msg.sendNotification(
      by('u1'),
      make('msg.SendNotificationReq', {
        contentType,
        sessionType: 3,
        sendID: 'u1',
        recvID: 'gt',
        detail: '{}',
        ...fields,
      }),
    );
  const told = () =>
    f.log.delivered
      .filter(({ message, record }) => record.groupID === 'gt' && message.contentType === 1300)
      .map(({ conversationID, message }) => {
        const tips = JSON.parse(JSON.parse(Buffer.from(message.content).toString()).detail);
        return [conversationID, message.recvID, tips.userID, tips.conversationIDList];
      });
  assert.deepEqual(told(), [], 'newcomers learn of it by the change itself');
  await change(1508, { removedUserIDs: ['u3'], memberVersion: 2, memberVersionBefore: 1 });
  const expected = ['n_u3_u3', 'u3', 'u3', ['sg_gt']];
  assert.deepEqual(told(), [expected]);
  await change(1509, { addedUserIDs: ['u3', 'u4'], memberVersion: 3, memberVersionBefore: 2 });
  assert.deepEqual(told(), [expected, expected]);
});

test('a change of membership is taken however large its decoration, and counts once by its name', async () => {
  await makeGroup(f, 'gl', ['u1', 'u2']);
  const vast = {
    kickedUserList: [{ userID: 'u2', nickname: 'x'.repeat(460_000) }],
    group: { groupID: 'gl' },
  };
  const kick = (fields: Partial<msg.SendNotificationReq>) =>
    f.msg.sendNotification(
      by('u1'),
      make('msg.SendNotificationReq', {
        contentType: 1508,
        sessionType: 3,
        sendID: 'u1',
        recvID: 'gl',
        detail: JSON.stringify(vast),
        ...fields,
      }),
    );
  await assert.rejects(kick({ contentType: 1502 }), hasCode(1001));
  await kick({ removedUserIDs: ['u2'], memberVersion: 2, changeID: 'kick-1' });
  const { tips, record } = lastTips(1508);
  assert.deepEqual(record.removedUserIDs, ['u2']);
  assert.deepEqual(tips, { kickedUserList: [{ userID: 'u2', nickname: '' }], group: { groupID: 'gl' } });
  await kick({ removedUserIDs: ['u2'], memberVersion: 3, changeID: 'kick-1', detail: '{}' });
  const again = f.log.delivered.filter(
    ({ message }) => message.contentType === 1508 && message.groupID === 'gl',
  );
  assert.equal(new Set(again.map((d) => Buffer.from(d.record.dedupKey).toString('hex'))).size, 1);
});

test('a message whose texts are not UTF-8 is refused, not stored longer than it came', async () => {
  const msgData = Buffer.from(encode('sdkws.MsgData', text('u1', 'u2', '', { senderNickname: '~~' })));
  for (const [i, byte] of msgData.entries()) if (byte === 0x7e) msgData[i] = 0xff;
  const item = make('msg.SendItem', { tenant: ONE, opUserID: 'u1', operationID: 'op', msgData });
  const { results } = await f.msg.sendMsgs(by('u1'), make('msg.SendMsgsReq', { items: [item] }));
  assert.deepEqual([results[0]?.code, /UTF-8/.test(results[0]?.detail ?? '')], [1001, true]);
});
