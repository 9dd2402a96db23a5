import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { answerBytes, encode, ImError, make, type sdkws } from '@im/protocol';
import { groupMemberChanges, groupRepo } from '@im/store';
import {
  by,
  byAdmin,
  type Fixture,
  groupText,
  leaveGroup,
  makeGroup,
  ONE,
  readLast,
  readPull,
  send,
  startFixture,
  TWO,
  text,
  wordsOf,
} from './harness.ts';

let f: Fixture;
before(async () => {
  f = await startFixture();
});
after(() => f?.[Symbol.asyncDispose]());

const maxAnswerBytes = answerBytes({ encoding: 'gob' });
const range = (conversationID: string, begin: number, end: number, num = 10) =>
  make('sdkws.SeqRange', { conversationID, begin, end, num });
const pull = async (userID: string, seqRanges: sdkws.SeqRange[], order = 0, ctx = by(userID)) => {
  const request = make('sdkws.PullMessageBySeqsReq', { userID, seqRanges, order, maxAnswerBytes });
  return readPull(await f.msg.pullMessageBySeqs(ctx, request));
};
const list = async (userID: string, conversationID: string, seqs: number[], order = 0) => {
  const conversations = [make('msg.ConversationSeqs', { conversationID, seqs })];
  const request = make('msg.GetSeqMessageReq', { userID, order, maxAnswerBytes, conversations });
  return readPull(await f.msg.getSeqMessage(by(userID), request));
};
const seqsOf = (pulled: sdkws.PullMsgs | undefined) => pulled?.Msgs.map(({ seq }) => seq);
const numbers = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

test('a chat of two: newest seqs, positions, pulls by range and by list', async () => {
  for (let i = 1; i <= 25; i++) await send(f, i % 2 ? text('u1', 'u2', `m${i}`) : text('u2', 'u1', `m${i}`));
  const cid = 'si_u1_u2';
  const newest = await f.msg.getMaxSeq(by('u1'), make('sdkws.GetMaxSeqReq', { userID: 'u1' }));
  assert.deepEqual(newest.maxSeqs, { [cid]: 25 });
  assert.deepEqual(newest.minSeqs, {});
  const positions = await f.msg.getConversationsHasReadAndMaxSeq(
    by('u1'),
    make('msg.GetConversationsHasReadAndMaxSeqReq', { userID: 'u1' }),
  );
  assert.equal(positions.seqs[cid]?.maxSeq, 25);
  assert.equal(positions.seqs[cid]?.hasReadSeq, 25, 'own messages are read');
  assert.ok(Date.now() - (positions.seqs[cid]?.maxSeqTime ?? 0) < 60_000);

  const one = (await pull('u1', [range(cid, 1, 25, 1)])).msgs[cid];
  assert.deepEqual(seqsOf(one), [25]);
  assert.equal(one?.isEnd, true);
  const [last] = one?.Msgs ?? [];
  assert.deepEqual([wordsOf(last as sdkws.MsgData), last?.status, last?.sendID], ['m25', 2, 'u1']);
  const ten = (await pull('u2', [range(cid, 1, 20)])).msgs[cid];
  assert.deepEqual(seqsOf(ten), numbers(11, 20), 'the last ones, in order');
  assert.equal(ten?.isEnd, false, 'there are more after the range');
  assert.equal((await pull('u2', [range(cid, 1, 20)], 1)).msgs[cid]?.isEnd, true, 'it begins at the first');
  assert.equal((await pull('u2', [range(cid, 2, 20)], 1)).msgs[cid]?.isEnd, false);
  assert.deepEqual(seqsOf((await pull('u2', [range(cid, 24, 99)])).msgs[cid]), [24, 25]);
  for (const outside of [
    range(cid, 26, 30),
    range(cid, 9, 5),
    range(cid, 1, 25, 0),
    range('si_u1_u9', 1, 5),
  ]) {
    const answer = await pull('u1', [outside]);
    assert.deepEqual([answer.msgs, answer.notificationMsgs], [{}, {}]);
  }

  const some = (await list('u1', cid, [7, 3, 3, 99, 0])).msgs[cid];
  assert.deepEqual(seqsOf(some), [3, 7]);
  assert.deepEqual([some?.isEnd, some?.endSeq], [true, 25]);
  const back = (await list('u1', cid, [0, 1, 2], 1)).msgs[cid];
  assert.deepEqual([seqsOf(back), back?.isEnd, back?.endSeq], [[1, 2], true, 1]);
  const inside = (await list('u1', cid, [5], 1)).msgs[cid];
  assert.deepEqual([inside?.isEnd, inside?.endSeq], [false, 0]);
  assert.deepEqual(seqsOf((await list('u1', cid, [99])).msgs[cid]), [], 'an entry without messages');
});

test('users read only their own conversations: not of other users, other tenants, or with similar ids', async () => {
  await send(f, text('a', 'b_c', 'for b_c'));
  await send(f, text('a_b', 'c', 'for c'));
  const cid = 'si_a_b_c';
  const forC = (await pull('c', [range(cid, 1, 2)])).msgs[cid]?.Msgs ?? [];
  assert.deepEqual(
    forC.map((m) => [m.seq, m.status, wordsOf(m)]),
    [
      [1, 4, undefined],
      [2, 2, 'for c'],
    ],
    'the other pair of the same id is a placeholder',
  );
  const stranger = await pull('u5', [range(cid, 1, 2), range('n_u1_u2', 1, 9), range('sg_none', 1, 9)]);
  assert.deepEqual([stranger.msgs, stranger.notificationMsgs], [{}, {}]);
  const listed = (await list('u5', cid, [1, 2])).msgs[cid];
  assert.deepEqual([listed?.Msgs, listed?.isEnd], [[], true]);
  const inTwo = await pull('a', [range(cid, 1, 2)], 0, by('a', { tenant: TWO }));
  assert.deepEqual(inTwo.msgs, {});
  for (const call of [
    () => pull('u1', [range(cid, 1, 2)], 0, by('u5')),
    () => f.msg.getMaxSeq(by('u5'), make('sdkws.GetMaxSeqReq', { userID: 'u1' })),
    () => f.msg.getSeqMessage(by('u5'), make('msg.GetSeqMessageReq', { userID: 'u1' })),
    () => f.msg.getLastMessage(by('u5'), make('msg.GetLastMessageReq', { userID: 'u1' })),
    () =>
      f.msg.getConversationsHasReadAndMaxSeq(
        by('u5'),
        make('msg.GetConversationsHasReadAndMaxSeqReq', { userID: 'u1' }),
      ),
  ]) {
    await assert.rejects(call, (error: unknown) => error instanceof ImError && error.code === 1002);
  }
  const forAdmin = await pull('a', [range(cid, 1, 2)], 0, byAdmin());
  assert.equal(forAdmin.msgs[cid]?.Msgs.length, 2);
});

test('equal ids in two tenants are two conversations', async () => {
  const inTwo = (id: string) => by(id, { tenant: TWO });
  await send(f, text('u7', 'u8', 'one'));
  await send(f, text('u7', 'u8', 'two'), inTwo('u7'));
  await send(f, text('u7', 'u8', 'two again'), inTwo('u7'));
  const cid = 'si_u7_u8';
  const own = await pull('u8', [range(cid, 1, 9)]);
  const other = await pull('u8', [range(cid, 1, 9)], 0, inTwo('u8'));
  assert.deepEqual(own.msgs[cid]?.Msgs.map(wordsOf), ['one']);
  assert.deepEqual(other.msgs[cid]?.Msgs.map(wordsOf), ['two', 'two again']);
});

test('who left a group sees what was before, and nothing after; who comes back sees all', async () => {
  await makeGroup(f, 'g1', ['u1', 'u2', 'u3']);
  await send(f, groupText('u1', 'g1', 'before'));
  await leaveGroup(f, 'g1', 'u3');
  await send(f, groupText('u1', 'g1', 'after'));
  const cid = 'sg_g1';
  const left = (await pull('u3', [range(cid, 1, 99)])).msgs[cid]?.Msgs ?? [];
  assert.deepEqual(
    left.map(({ contentType }) => contentType),
    [1501, 101, 1504],
  );
  const positions = await f.msg.getConversationsHasReadAndMaxSeq(
    by('u3'),
    make('msg.GetConversationsHasReadAndMaxSeqReq', { userID: 'u3', conversationIDs: [cid, 'si_x_y'] }),
  );
  assert.equal(positions.seqs[cid]?.maxSeq, 3);
  assert.deepEqual(positions.seqs.si_x_y, make('msg.Seqs'));
  const last = readLast(
    await f.msg.getLastMessage(
      by('u3'),
      make('msg.GetLastMessageReq', { userID: 'u3', conversationIDs: [cid] }),
    ),
  );
  assert.equal(last.msgs[cid]?.contentType, 1504);
  await assert.rejects(send(f, groupText('u3', 'g1', 'no')), /1203/);
  const member = (await pull('u2', [range(cid, 1, 99)])).msgs[cid]?.Msgs ?? [];
  assert.equal(member.at(-1)?.seq, 4);
});

test('former members pull nothing, even if the log has no record of it; all keep the messages of a dismissed group', async () => {
  await makeGroup(f, 'g2', ['u1', 'u2', 'u3']);
  await send(f, groupText('u1', 'g2', 'before'));
  const members = groupMemberChanges(f.store);
  const contents = async (userID: string) => {
    const ranges = ['sg_g2', 'n_g2'].map((id) => range(id, 1, 99));
    const { msgs, notificationMsgs } = await pull(userID, ranges);
    return [msgs.sg_g2?.Msgs.length ?? 0, notificationMsgs.n_g2?.Msgs.length ?? 0];
  };
  assert.deepEqual(await contents('u3'), [2, 0]);
  await members.remove(ONE, 'g2', ['u3']);
  await send(f, groupText('u1', 'g2', 'confidential'));
  assert.deepEqual(await contents('u3'), [0, 0]);
  const last = await f.msg.getLastMessage(
    by('u3'),
    make('msg.GetLastMessageReq', { userID: 'u3', conversationIDs: ['sg_g2'] }),
  );
  assert.deepEqual(last.msgs, {});
  assert.deepEqual(await contents('u2'), [3, 0]);
  await members.removeSome(ONE, 'g2', 10);
  await groupRepo(f.store).update(ONE, 'g2', { status: 2 });
  assert.deepEqual(await contents('u2'), [3, 0]);
});

test('an answer stays below 900 KiB: the newest of a chat, the nearest of a list, the rest on asking again', async () => {
  const big = 'x'.repeat(240_000);
  for (let i = 1; i <= 6; i++) await send(f, text('u4', 'u5', `${i}${big}`));
  const cid = 'si_u4_u5';
  const answer = await pull('u5', [range(cid, 1, 6)]);
  assert.deepEqual(seqsOf(answer.msgs[cid]), [4, 5, 6]);
  assert.equal(answer.msgs[cid]?.isEnd, false);
  assert.ok(encode('sdkws.PullMessageBySeqsResp', answer).length < 900 * 1_024);
  const forwards = (await list('u5', cid, numbers(1, 6))).msgs[cid];
  assert.deepEqual([seqsOf(forwards), forwards?.isEnd], [[1, 2, 3], false]);
  // History backwards, as the Go SDK reads it: it ends, and misses nothing.
  const got = new Set<number>();
  for (let rounds = 0; got.size < 6; rounds++) {
    assert.ok(rounds < 6, 'every answer brings something new');
    const missing = numbers(1, 6).filter((seq) => !got.has(seq));
    const page = (await list('u5', cid, [0, ...missing], 1)).msgs[cid];
    for (const m of page?.Msgs ?? []) {
      assert.notEqual(m.status, 4, 'no placeholder for a message that exists');
      got.add(m.seq);
    }
    if (page?.isEnd) assert.equal(got.size, 6);
  }
});

test('one pull over many conversations fills the answer in their order', async () => {
  for (const peer of ['u6', 'u7', 'u9']) {
    for (let i = 0; i < 2; i++) await send(f, text('b', peer, 'y'.repeat(200_000)));
  }
  const ids = ['si_b_u6', 'si_b_u7', 'si_b_u9'];
  const answer = await pull(
    'b',
    ids.map((id) => range(id, 1, 2)),
  );
  assert.deepEqual(
    ids.map((id) => seqsOf(answer.msgs[id])),
    [[1, 2], [1, 2], undefined],
  );
});

test('the last message is the newest with content; deleted for oneself it is shown empty', async () => {
  const cid = 'si_u8_u9';
  for (const words of ['first', 'second', 'third']) await send(f, text('u8', 'u9', words));
  const lastOf = async (userID: string) =>
    readLast(
      await f.msg.getLastMessage(
        by(userID),
        make('msg.GetLastMessageReq', { userID, conversationIDs: [cid, 'si_a_b_c'] }),
      ),
    ).msgs;
  assert.equal(wordsOf((await lastOf('u9'))[cid] as sdkws.MsgData), 'third');
  await f.msg.deleteMsgPhysicalBySeq(
    byAdmin(),
    make('msg.DeleteMsgPhysicalBySeqReq', { conversationID: cid, seqs: [3] }),
  );
  assert.equal(wordsOf((await lastOf('u9'))[cid] as sdkws.MsgData), 'second');
  await f.msg.deleteMsgs(
    by('u9'),
    make('msg.DeleteMsgsReq', { conversationID: cid, seqs: [2], userID: 'u9' }),
  );
  const emptied = (await lastOf('u9'))[cid];
  assert.deepEqual([emptied?.seq, emptied?.status, emptied?.content.length], [2, 4, 0]);
  assert.equal(wordsOf((await lastOf('u8'))[cid] as sdkws.MsgData), 'second');
  const pulled = (await pull('u9', [range(cid, 1, 3)])).msgs[cid]?.Msgs ?? [];
  assert.deepEqual(
    pulled.map((m) => [m.seq, m.status, m.clientMsgID === '']),
    [
      [1, 2, false],
      [2, 4, false],
      [3, 4, true],
    ],
  );
  assert.equal('si_a_b_c' in (await lastOf('u9')), false);
});

test('too much at once is refused by field', async () => {
  const many = Array.from({ length: 5_001 }, () => range('x', 1, 1));
  await assert.rejects(pull('u1', many), /1001.*seqRanges/);
  await assert.rejects(list('u1', 'x', numbers(1, 5_001)), /1001.*seqs/);
});
