import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { TenantId } from '@im/contract';
import { encode, make, type msg, type sdkws } from '@im/protocol';
import {
  conversationSeqs,
  conversationSettings,
  groupMemberRepo,
  groupRepo,
  msgRows,
  msgSearch,
  seqUsers,
  userRepo,
} from '@im/store';
import { searchMethods } from '../src/methods/search-message.ts';
import { by, byAdmin, type Fixture, ONE, startFixture, TWO, text } from './harness.ts';

const CONTENT_BYTES = 250_000;
const EX_CHARS = 1_000;
/** Content of one answer, as documented. */
const ANSWER_BYTES = 16_777_216;
const MESSAGES = 80;

let f: Fixture;
before(async () => {
  f = await startFixture();
});
after(() => f?.[Symbol.asyncDispose]());

test('a page of large messages has their texts up to 16 MiB; smaller pages have all', async () => {
  const conversationID = 'si_b_c';
  const content = Buffer.from(JSON.stringify({ content: 'x'.repeat(CONTENT_BYTES - 14) }));
  for (let seq = 1; seq <= MESSAGES; seq++) {
    const m = text('b', 'c', '', { content, ex: 'e'.repeat(EX_CHARS), sendTime: 1_000 + seq });
    await msgRows(f.store).insert([
      {
        tenant: ONE,
        conversationID,
        seq,
        dedupKey: Buffer.from(`${seq}`.padStart(16)),
        position: seq,
        msgData: encode('sdkws.MsgData', m),
        ...{ sendID: 'b', recvID: 'c', contentType: 101, sendTime: m.sendTime, logTime: m.sendTime },
      },
    ]);
  }
  await conversationSeqs(f.store).apply([
    { tenant: ONE, conversationID, max: MESSAGES, src: MESSAGES, maxTime: 1_000 + MESSAGES },
  ]);
  const search = async (pageNumber: number, showNumber: number) => {
    const pagination = make('sdkws.RequestPagination', { pageNumber, showNumber });
    const request = make('msg.SearchMessageReq', { sendID: 'b', recvID: 'c', pagination });
    const { chatLogs, chatLogsNum } = await f.msg.searchMessage(byAdmin(), request);
    assert.equal(chatLogsNum, MESSAGES);
    return chatLogs.map(({ chatLog }) => {
      assert.ok(chatLog);
      return chatLog;
    });
  };

  const whole = await search(1, 1_000);
  assert.deepEqual(
    whole.map(({ seq }) => seq),
    Array.from({ length: MESSAGES }, (_, i) => i + 1),
  );
  const shown = Math.floor(ANSWER_BYTES / (content.length + EX_CHARS));
  assert.ok(shown < MESSAGES);
  for (const [i, { content: words, ex, sendID, clientMsgID }] of whole.entries()) {
    const expected = i < shown ? [content.length, EX_CHARS] : [0, 0];
    assert.deepEqual([words.length, ex.length], expected, `hit ${i}`);
    assert.equal(sendID, 'b');
    assert.match(clientMsgID, /^b-/);
  }
  const last = await search(2, MESSAGES / 2);
  assert.equal(last.length, MESSAGES / 2);
  for (const { content: words, ex } of last)
    assert.deepEqual([words.length, ex.length], [content.length, EX_CHARS]);
});

test('a page that a search did not reach in its time is refused as retryable, and reached when asked again', async () => {
  const { store } = f;
  const { searchMessage } = searchMethods({
    search: msgSearch(store, { keys: 50 }),
    conversationSeqs: conversationSeqs(store),
    seqUsers: seqUsers(store),
    conversationSettings: conversationSettings(store),
    users: userRepo(store),
    groups: groupRepo(store),
    members: groupMemberRepo(store),
    readAudit: { record: async () => {}, start() {} },
  });
  const ask = async (pageNumber: number) => {
    const pagination = make('sdkws.RequestPagination', { pageNumber, showNumber: 60 });
    const request = make('msg.SearchMessageReq', { sendID: 'b', recvID: 'c', pagination });
    const { chatLogs, chatLogsNum } = await searchMessage(byAdmin(), request);
    return [chatLogs.length, chatLogsNum];
  };
  await assert.rejects(ask(2), { code: 90_004, detail: /before it reached this page \(50 found so far\)/ });
  assert.deepEqual(await ask(2), [MESSAGES - 60, MESSAGES]);
});

test('all messages are searched a page at a time, by text in any case, of one tenant alone', async () => {
  const rows = msgRows(f.store);
  const store = async (tenant: TenantId, conversationID: string, seq: number, message: sdkws.MsgData) => {
    const { sendID, recvID, contentType, sendTime } = message;
    const data = encode('sdkws.MsgData', message);
    const place = {
      tenant,
      conversationID,
      seq,
      position: seq,
      dedupKey: Buffer.from(`${seq}`.padStart(16)),
    };
    await rows.insert([
      { ...place, msgData: data, sendID, recvID, contentType, sendTime, logTime: sendTime },
    ]);
  };
  const said = (content: string) => Buffer.from(JSON.stringify({ content }));
  const words = ['Grüße aus Wien', 'say "hi"', '你好，世界', 'GRÜSSE', 'nothing', 'grüße again'];
  for (const [i, word] of words.entries()) {
    await store(ONE, 'si_m_n', i + 1, text('m', 'n', '', { content: said(word), sendTime: 5_000 + i }));
    await store(ONE, 'sg_s', i + 1, text('o', '', 's', { content: said(word), sendTime: 6_000 + i }));
  }
  await store(TWO, 'si_m_n', 1, text('m', 'n', '', { content: said('grüße') }));
  await conversationSeqs(f.store).apply(
    ['si_m_n', 'sg_s'].map((conversationID) => ({
      tenant: ONE,
      conversationID,
      max: 6,
      src: 6,
      maxTime: 6_000,
    })),
  );
  const find = async (asked: Partial<msg.SearchMessagesReq>, limit = 2) => {
    const found: string[] = [];
    let cursor = '';
    do {
      const request = make('msg.SearchMessagesReq', { ...asked, limit, cursor });
      const page = await f.msg.searchMessages(byAdmin(), request);
      assert.ok(page.messages.length <= limit);
      found.push(...page.messages.map(({ conversationID, seq }) => `${conversationID} ${seq}`));
      cursor = page.cursor;
    } while (cursor !== '');
    return found;
  };
  assert.deepEqual(await find({ text: 'grÜße' }), ['si_m_n 6', 'si_m_n 1', 'sg_s 6', 'sg_s 1']);
  assert.deepEqual(await find({ text: 'y "h', groupID: 's' }), ['sg_s 2']);
  assert.deepEqual(await find({ text: '好', sendID: 'm', recvID: 'n' }), ['si_m_n 3']);
  assert.deepEqual(
    await find({ text: 'content', conversationID: 'si_m_n' }),
    [],
    'names of fields are no text',
  );
  assert.deepEqual(await find({ conversationID: 'sg_s', start: 6_001, end: 6_004 }, 500), [
    'sg_s 4',
    'sg_s 3',
    'sg_s 2',
  ]);

  const request = make('msg.SearchMessagesReq', { text: 'grüße', limit: 1 });
  const { cursor } = await f.msg.searchMessages(byAdmin(), request);
  const refused = async (asked: Partial<msg.SearchMessagesReq>, detail: RegExp) =>
    assert.rejects(f.msg.searchMessages(byAdmin(), make('msg.SearchMessagesReq', asked)), {
      code: 1001,
      detail,
    });
  for (const wrong of ['x', '[]', '["a","time",1]', cursor.replace('conversation', 'elsewhere')]) {
    await refused({ ...request, cursor: wrong }, /^cursor must be/);
  }
  await refused({ ...request, text: 'another', cursor }, /^cursor must be/);
  await refused({ start: 5, end: 5 }, /^end must be after start/);
  await refused({ conversationID: 'a', groupID: 'b' }, /^conversationID and groupID/);
  await assert.rejects(f.msg.searchMessages(by('m'), request), { code: 1002 });
});
