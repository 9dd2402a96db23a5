import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  answerBytes,
  encode,
  encodeResponse,
  type Framing,
  MAX_ANSWER_FRAME_BYTES,
  make,
  type sdkws,
} from '@im/protocol';
import { conversationSeqs, conversationSettingsChanges, msgRowChanges, msgRows } from '@im/store';
import { by, type Fixture, ONE, readLast, readPull, send, startFixture, text } from './harness.ts';

let f: Fixture;
before(async () => {
  f = await startFixture();
});
after(() => f?.[Symbol.asyncDispose]());

const FRAMINGS: readonly Framing[] = [
  { encoding: 'json', gzip: false },
  { encoding: 'gob', gzip: false },
];

/** Stores messages of a chat as they were before there were limits, and as no client could send them today. */
async function store(conversationID: string, messages: readonly sdkws.MsgData[]): Promise<void> {
  await msgRows(f.store).insert(
    messages.map((m, i) => ({
      tenant: ONE,
      conversationID,
      seq: i + 1,
      dedupKey: Buffer.from(`${i}`.padStart(16)),
      position: i + 1,
      msgData: encode('sdkws.MsgData', m),
      sendID: m.sendID,
      recvID: m.recvID,
      contentType: m.contentType,
      sendTime: m.sendTime,
      logTime: 1_000 + i,
    })),
  );
  const max = messages.length;
  await conversationSeqs(f.store).apply([
    { tenant: ONE, conversationID, max, src: max, maxTime: 1_000 + max },
  ]);
  const [first] = messages as [sdkws.MsgData];
  await conversationSettingsChanges(f.store).createForOwners(ONE, [
    { ownerUserID: first.recvID, conversationID, conversationType: 1, userID: first.sendID, groupID: '' },
  ]);
}

function assertFits(framing: Framing, data: Uint8Array): void {
  const frame = encodeResponse(framing, {
    reqIdentifier: 1_002,
    msgIncr: 'x'.repeat(64),
    operationID: 'x'.repeat(512),
    errCode: 0,
    errMsg: '',
    data,
  });
  assert.ok(frame.length <= MAX_ANSWER_FRAME_BYTES, `${framing.encoding}: a frame of ${frame.length} bytes`);
}

async function pullOnce(
  framing: Framing,
  userID: string,
  ranges: readonly [conversationID: string, begin: number, end: number][],
  num: number,
): Promise<Record<string, sdkws.PullMsgs>> {
  const seqRanges = ranges.map(([conversationID, begin, end]) =>
    make('sdkws.SeqRange', { conversationID, begin, end, num }),
  );
  const request = { userID, seqRanges, maxAnswerBytes: answerBytes(framing) };
  const answer = await f.msg.pullMessageBySeqs(by(userID), make('sdkws.PullMessageBySeqsReq', request));
  assertFits(framing, encode('msg.EncodedPull', answer));
  return readPull(answer).msgs;
}

/** Asks for a list of seqs until everything came, as a client that fills its gaps. */
async function pullAll(
  framing: Framing,
  userID: string,
  conversationID: string,
  seqs: readonly number[],
): Promise<sdkws.MsgData[]> {
  const got = new Map<number, sdkws.MsgData>();
  while (got.size < seqs.length) {
    const missing = seqs.filter((seq) => !got.has(seq));
    const answer = await f.msg.getSeqMessage(
      by(userID),
      make('msg.GetSeqMessageReq', {
        userID,
        conversations: [make('msg.ConversationSeqs', { conversationID, seqs: missing })],
        maxAnswerBytes: answerBytes(framing),
      }),
    );
    assertFits(framing, encode('msg.EncodedPull', answer));
    const messages = readPull(answer).msgs[conversationID]?.Msgs ?? [];
    assert.ok(messages.length > 0, 'every answer brings something new');
    for (const m of messages) got.set(m.seq, m);
  }
  return [...got.values()].sort((a, b) => a.seq - b.seq);
}

const contentOf = (m: sdkws.MsgData | undefined) => JSON.parse(Buffer.from(m?.content ?? '').toString());

test('260 chats with ten texts each come in as many answers as they need, in every encoding', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 260; i++) {
    const peer = `peer${i}`;
    ids.push(`si_${peer}_u9`);
    await store(
      `si_${peer}_u9`,
      Array.from({ length: 10 }, (_, n) =>
        text(peer, 'u9', `${n}`.padEnd(120, 'x'), {
          status: 2,
          sendTime: 1_700_000_000_000,
          serverMsgID: 'f'.repeat(32),
          clientMsgID: 'e'.repeat(32),
          senderFaceURL: `https://example.org/${'a'.repeat(60)}`,
          options: { history: true, persistent: true, unreadCount: true, conversationUpdate: true },
        }),
      ),
    );
  }
  for (const framing of FRAMINGS) {
    const missing = new Set(ids);
    let rounds = 0;
    for (; missing.size > 0; rounds++) {
      const before = missing.size;
      const msgs = await pullOnce(
        framing,
        'u9',
        [...missing].map((id) => [id, 1, 10]),
        10,
      );
      for (const [id, { Msgs, isEnd }] of Object.entries(msgs)) {
        if (!isEnd) continue;
        assert.deepEqual(
          Msgs.map(({ seq, status }) => [seq, status]),
          Array.from({ length: 10 }, (_, n) => [n + 1, 2]),
        );
        missing.delete(id);
      }
      assert.ok(missing.size < before, 'every answer completes a chat');
    }
    assert.ok(rounds <= 3, `${rounds} answers`);
  }
});

test('a revoked message with a huge ex, and quotes of it, are passed by every client', async () => {
  const ex = '\u0001'.repeat(170_000);
  const conversationID = 'si_evil_u8';
  const quote = (seq: number, rest: object = {}) =>
    text('evil', 'u8', '', {
      contentType: 114,
      status: 2,
      content: Buffer.from(
        JSON.stringify({
          text: 'see',
          quoteMessage: {
            seq,
            clientMsgID: 'poison',
            content: 'hidden?',
            contentType: 101,
            textElem: { content: 'hidden?' },
            ...rest,
          },
        }),
      ),
    });
  // Numbers get longer when they are written again: 4 characters become 22.
  const numbers = `{"text":"n","quoteMessage":{"seq":1,"content":"hidden?"},"n":[${Array(40_000).fill('1e20').join()}]}`;
  const deep = `{"text":"d","quoteMessage":{"seq":1,"content":"hidden?"},"n":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  await store(conversationID, [
    text('evil', 'u8', 'words', {
      ex,
      status: 2,
      clientMsgID: 'poison',
      senderNickname: '\u0001'.repeat(60_000),
    }),
    ...Array.from({ length: 40 }, () => quote(1, { ex: '\u0001'.repeat(5_000) })),
    text('evil', 'u8', '', { contentType: 114, status: 2, content: Buffer.from(numbers) }),
    text('evil', 'u8', '', { contentType: 114, status: 2, content: Buffer.from(deep) }),
    quote(0),
    text('evil', 'u8', 'the end', { status: 2 }),
  ]);
  const seqs = Array.from({ length: 45 }, (_, i) => i + 1);
  const revoker = { role: 20, userID: 'evil', nickname: '\u0001'.repeat(60_000), time: 5 };
  assert.ok(await msgRowChanges(f.store).revoke(ONE, conversationID, 1, revoker));
  for (const framing of FRAMINGS) {
    const got = await pullAll(framing, 'u8', conversationID, seqs);
    assert.ok(
      got.every(({ status }) => status === 2),
      'no placeholder for a message that exists',
    );
    assert.equal(got[0]?.contentType, 2_101);
    const detail = JSON.parse(contentOf(got[0]).detail);
    assert.deepEqual([detail.seq, detail.clientMsgID, detail.ex], [1, 'poison', '']);
    for (const m of got.slice(1, 44)) {
      assert.ok(!Buffer.from(m.content).toString().includes('hidden?'), `the quote ${m.seq} shows it`);
      assert.equal(contentOf(m).quoteMessage.contentType, 2_101);
    }
    assert.equal(contentOf(got[44]).content, 'the end');
    const msgs = await pullOnce(framing, 'u8', [[conversationID, 1, 45]], 1_000);
    assert.equal(msgs[conversationID]?.Msgs.at(-1)?.seq, 45);
  }
});

test('a message that is larger than any answer is served without its decoration', async () => {
  const conversationID = 'si_huge_u7';
  // What is not UTF-8 gets three times as long by being read and written again.
  const huge = text('huge', 'u7', 'words', {
    ex: '\ufffd'.repeat(262_000),
    status: 2,
    options: { history: true },
  });
  await store(conversationID, [huge, text('huge', 'u7', 'next', { status: 2 }), huge]);
  for (const framing of FRAMINGS) {
    const got = await pullAll(framing, 'u7', conversationID, [1, 2, 3]);
    assert.deepEqual(
      got.map((m) => [m.seq, m.status, contentOf(m).content]),
      [
        [1, 2, 'words'],
        [2, 2, 'next'],
        [3, 2, 'words'],
      ],
    );
    assert.deepEqual(got[0]?.options, { history: true });
    const last = await f.msg.getLastMessage(
      by('u7'),
      make('msg.GetLastMessageReq', {
        userID: 'u7',
        conversationIDs: [conversationID],
        maxAnswerBytes: answerBytes(framing),
      }),
    );
    assertFits(framing, encode('msg.EncodedLast', last));
    assert.equal(contentOf(readLast(last).msgs[conversationID]).content, 'words');
  }
});

test('last messages that do not fit are named, and come when they are asked for', async () => {
  const ids = ['la', 'lb', 'lc', 'ld', 'le', 'lf'].map((peer) => `si_${peer}_u6`);
  for (const id of ids) {
    const peer = id.slice(3, 5);
    await store(id, [text(peer, 'u6', 'x'.repeat(240_000), { status: 2 })]);
  }
  let missing = ids;
  const got: string[] = [];
  while (missing.length > 0) {
    const answer = await f.msg.getLastMessage(
      by('u6'),
      make('msg.GetLastMessageReq', { userID: 'u6', conversationIDs: missing }),
    );
    assertFits({ encoding: 'json', gzip: false }, encode('msg.EncodedLast', answer));
    assert.ok(Object.keys(answer.msgs).length > 0);
    got.push(...Object.keys(answer.msgs));
    missing = answer.cut;
  }
  assert.deepEqual(got.sort(), ids);
});

test('positions of more conversations than fit are those of the newest', async () => {
  const userID = 'u5';
  const count = 6_000;
  const ids = Array.from({ length: count }, (_, i) => `si_${'p'.repeat(120)}${i}_u5`);
  await conversationSettingsChanges(f.store).createForOwners(
    ONE,
    ids.map((conversationID) => ({
      ownerUserID: userID,
      conversationID,
      conversationType: 1,
      userID: 'p',
      groupID: '',
    })),
  );
  await conversationSeqs(f.store).apply(
    ids.map((conversationID, i) => ({ tenant: ONE, conversationID, max: 3, src: i + 1, maxTime: i + 1 })),
  );
  for (const framing of FRAMINGS) {
    const maxAnswerBytes = answerBytes(framing);
    const newest = await f.msg.getMaxSeq(by(userID), make('sdkws.GetMaxSeqReq', { userID, maxAnswerBytes }));
    assertFits(framing, encode('sdkws.GetMaxSeqResp', newest));
    const asked = { userID, maxAnswerBytes, returnPinned: true };
    const all = await f.msg.getConversationsHasReadAndMaxSeq(
      by(userID),
      make('msg.GetConversationsHasReadAndMaxSeqReq', asked),
    );
    assertFits(framing, encode('msg.GetConversationsHasReadAndMaxSeqResp', all));
    for (const seqs of [newest.maxSeqs, all.seqs]) {
      const found = Object.keys(seqs);
      assert.ok(found.length > 1_000 && found.length < count, `${found.length} fit`);
      assert.ok(
        ids.slice(-1_000).every((id) => id in seqs),
        'those with the newest messages',
      );
    }
  }
  const internal = await f.msg.getConversationsHasReadAndMaxSeq(
    by(userID),
    make('msg.GetConversationsHasReadAndMaxSeqReq', { userID }),
  );
  assert.equal(Object.keys(internal.seqs).length, count, 'between processes there is room for all');
});

test('the last message skips what the user deleted where that is asked for', async () => {
  const conversationID = 'si_a_c';
  for (const words of ['one', 'two', 'three']) await send(f, text('a', 'c', words));
  await f.msg.deleteMsgs(by('c'), make('msg.DeleteMsgsReq', { conversationID, seqs: [2, 3], userID: 'c' }));
  const lastOf = async (userID: string, skipDeleted: boolean) =>
    readLast(
      await f.msg.getLastMessage(
        by(userID),
        make('msg.GetLastMessageReq', { userID, conversationIDs: [conversationID], skipDeleted }),
      ),
    ).msgs[conversationID];
  assert.deepEqual([(await lastOf('c', false))?.seq, (await lastOf('c', false))?.status], [3, 4]);
  assert.equal(contentOf(await lastOf('c', true)).content, 'one');
  assert.equal(contentOf(await lastOf('a', true)).content, 'three');
});
