import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { encode, make } from '@im/protocol';
import { conversationSeqs, msgRows } from '@im/store';
import { byAdmin, type Fixture, ONE, startFixture, text } from './harness.ts';

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
