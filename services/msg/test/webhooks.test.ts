import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { type TenantSettings, tenantSettings } from '@im/contract';
import { ERR, encode, make, type msg, type sdkws } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import { conversationSettings } from '@im/store';
import { codeOf, REFUSAL, startWebhookReceiver, type WebhookReceiver, withWebhooks } from '@im/testing';
import {
  by,
  byAdmin,
  type Fixture,
  groupText,
  makeGroup,
  ONE,
  send,
  startFixture,
  TWO,
  text,
} from './harness.ts';

let f: Fixture;
let other: DomainService<'msg'>;
let receiver: WebhookReceiver;
let settings: TenantSettings;
before(async () => {
  [f, receiver] = await Promise.all([startFixture(), startWebhookReceiver()]);
  other = await f.another();
  const known = f.tenants.get(ONE);
  assert.ok(known);
  settings = known;
  await makeGroup(f, 'g', ['u1', 'u2', 'u3']);
});
after(async () => {
  await f?.[Symbol.asyncDispose]();
  await receiver?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  receiver.answer({});
  receiver.take();
  f.log.delivered.length = 0;
  await f.takeWebhooks();
});

type Events = Parameters<typeof withWebhooks>[2];

/** From now on the tenant has these events. */
const hook = (events: Events) => f.tenants.put(tenantSettings(withWebhooks(settings, receiver, events)));
const reported = async () => (await f.takeWebhooks()).map(({ event, body }) => ({ event, body }));
const wordsOf = ({ content }: sdkws.MsgData) => Buffer.from(content).toString();
const sendBy = (domain: Pick<DomainService<'msg'>, 'sendMsg'>, message: sdkws.MsgData) =>
  domain.sendMsg(by(message.sendID), make('msg.SendMsgReq', { msgData: message }));
const copy = (message: sdkws.MsgData) => make('sdkws.MsgData', { ...message, options: {} });

function bodyOf(message: sdkws.MsgData, change: object) {
  return {
    operationID: 'op',
    sendID: message.sendID,
    clientMsgID: message.clientMsgID,
    senderPlatformID: 0,
    senderNickname: message.senderNickname,
    sessionType: message.sessionType,
    msgFrom: 100,
    contentType: 101,
    status: 1,
    sendTime: 1_700_000_000_000,
    createTime: message.createTime,
    content: wordsOf(message),
    seq: 0,
    atUserList: [],
    faceURL: '',
    ex: '',
    ...change,
  };
}

/** How messages of the two kinds of chats are asked about. */
const SENDS = [
  {
    event: 'beforeSendSingleMsg',
    message: () => text('u1', 'u2', 'hello', { sendTime: 1_700_000_000_000 }),
    to: { recvID: 'u2' },
  },
  {
    event: 'beforeSendGroupMsg',
    message: () => groupText('u1', 'g', 'hello', { sendTime: 1_700_000_000_000 }),
    to: { groupID: 'g' },
  },
] as const;

for (const { event, message, to } of SENDS) {
  test(`${event} refuses, and is not asked again by a retry`, async () => {
    hook([event]);
    const first = message();
    const command = `callback${event.replace('before', 'Before')}Command`;
    receiver.answer(REFUSAL);
    assert.equal(await codeOf(send(f, copy(first))), REFUSAL.errCode);
    assert.equal(await codeOf(send(f, copy(first))), REFUSAL.errCode);
    assert.equal(await codeOf(sendBy(other, copy(first))), REFUSAL.errCode);
    assert.equal(receiver.take().length, 1);
    assert.equal(f.log.delivered.length, 0);

    // What could not be asked is asked again.
    const second = message();
    for (const [answer, code] of [
      [event === 'beforeSendSingleMsg' ? 'hang' : 'die', ERR.NetworkError],
      ['garbage', ERR.DataError],
    ] as const) {
      receiver.answer(answer);
      assert.equal(await codeOf(send(f, copy(second))), code, answer);
    }
    assert.equal(f.log.delivered.length, 0);
    receiver.take();
    receiver.answer({});
    const context = by('u1', { operationID: 'op' });
    const answer = await send(f, copy(second), context);
    const { serverMsgID } = answer;
    assert.deepEqual(receiver.take(), [
      { command, body: { callbackCommand: command, ...bodyOf(second, { serverMsgID, ...to }) } },
    ]);
    assert.equal(answer.modify, null);
    assert.ok(f.log.delivered.length > 0);
  });
}

test('nothing is asked about typing, notifications, administrators in single chats, or other tenants', async () => {
  hook(['beforeSendSingleMsg', 'beforeSendGroupMsg', 'beforeMsgModify']);
  await send(f, text('u1', 'u2', 'typing', { contentType: 113 }));
  await send(f, text('u1', 'u2', 'note', { contentType: 1_701 }), byAdmin());
  await send(f, text('u1', 'u2', 'hello'), by('u1', { tenant: TWO }));
  assert.deepEqual(receiver.take(), []);
  await send(f, text('imAdmin', 'u2', 'hello'), byAdmin());
  assert.deepEqual(
    receiver.take().map(({ command }) => command),
    ['callbackBeforeMsgModifyCommand'],
  );
});

test('nothing is asked about what may not be sent', async () => {
  hook(['beforeSendSingleMsg']);
  assert.equal(await codeOf(send(f, text('u1', 'unknown', 'hello'))), ERR.RecordNotFoundError);
  assert.deepEqual(receiver.take(), []);
});

test('a message travels as the answer has it; retries, here and elsewhere, are answered with the same', async () => {
  hook(['beforeMsgModify']);
  const message = text('u1', 'u2', 'rude', { sendTime: 0 });
  receiver.answer({ content: '{"content":"polite"}', ex: 'seen', senderNickname: message.senderNickname });
  const answers = [await send(f, copy(message)), await send(f, copy(message))];
  // The other process would get another answer if it asked.
  receiver.answer({ content: '{"content":"other"}' });
  answers.push(await sendBy(other, copy(message)));
  assert.equal(receiver.take().length, 1);
  for (const answer of answers) {
    assert.deepEqual(answer, answers[0]);
    const { content, ex, senderNickname, contentType } = answer.modify ?? make('sdkws.MsgData');
    assert.deepEqual(
      [Buffer.from(content).toString(), ex, senderNickname, contentType],
      ['{"content":"polite"}', 'seen', '', 0],
    );
    assert.equal(answer.clientMsgID, message.clientMsgID);
  }
  const texts = f.log.delivered.map(({ message: stored }) => [wordsOf(stored), stored.ex]);
  assert.ok(texts.length > 0);
  for (const stored of texts) assert.deepEqual(stored, ['{"content":"polite"}', 'seen']);
  const keys = new Set(f.log.delivered.map(({ record }) => Buffer.from(record.dedupKey).toString('hex')));
  assert.equal(keys.size, 1);
});

test('an answer replaces ids and options, within what the sender may send', async () => {
  hook(['beforeMsgModify']);
  receiver.answer({ serverMsgID: 'mine', recvID: 'u3', options: { offlinePush: false } });
  const answer = await send(f, text('u1', 'u2', 'hello'));
  assert.equal(answer.serverMsgID, 'mine');
  const stored = f.log.delivered.filter(({ message }) => message.serverMsgID === 'mine');
  assert.deepEqual([...new Set(stored.map(({ conversationID }) => conversationID))], ['si_u1_u3']);
  assert.equal(stored[0]?.record.entries[0]?.offlinePush, false);
  receiver.answer({ sessionType: 3, groupID: 'g' });
  await send(f, text('u1', 'u2', 'hello'));
  assert.ok(f.log.delivered.some(({ conversationID }) => conversationID === 'sg_g'));
  f.log.delivered.length = 0;
  for (const [reply, code] of [
    [{ content: 'no JSON' }, ERR.ArgsError],
    [{ content: '' }, ERR.ArgsError],
    [{ recvID: 'unknown' }, ERR.RecordNotFoundError],
    [{ sessionType: 4, contentType: 1_400 }, ERR.ArgsError],
    [{ sessionType: 3, groupID: 'unknown' }, ERR.RecordNotFoundError],
    [{ contentType: 1_508 }, ERR.NoPermissionError],
    [{ options: { isNotNotification: false } }, ERR.NoPermissionError],
    [{ clientMsgID: 'x'.repeat(300) }, ERR.ArgsError],
    [{ content: JSON.stringify('x'.repeat(300_000)) }, ERR.ArgsError],
  ] as const) {
    receiver.answer(reply);
    const message = text('u1', 'u2', 'hello');
    assert.equal(await codeOf(send(f, message)), code, JSON.stringify(reply).slice(0, 60));
  }
  assert.equal(f.log.delivered.length, 0);
});

const receiversOf = (words: string) =>
  f.log.delivered
    .filter(({ message }) => wordsOf(message) === JSON.stringify({ content: words }))
    .map(({ record }) => record.entries[0])
    .map((entry) => ({ to: entry?.userIDs, group: entry?.toGroup, only: entry?.onlyUserIDs }));

test('what is not to be pushed is stored, and delivered to no user', async () => {
  hook(['beforeOnlinePush', 'beforeGroupOnlinePush']);
  receiver.answer(REFUSAL);
  const answer = await send(
    f,
    text('u1', 'u2', 'silent', { senderPlatformID: 2 }),
    by('u1', { operationID: 'op' }),
  );
  const push = {
    operationID: 'op',
    platformID: 2,
    platform: 'Android',
    sendID: 'u1',
    groupID: '',
    contentType: 101,
    sessionType: 1,
    atUserIDList: [],
    content: '{"content":"silent"}',
  };
  const command = 'callbackBeforeOnlinePushCommand';
  assert.deepEqual(receiver.take(), [
    {
      command,
      body: {
        callbackCommand: command,
        ...push,
        clientMsgID: answer.clientMsgID,
        userIDList: ['u2', 'u1'],
      },
    },
  ]);
  assert.deepEqual(receiversOf('silent'), [{ to: [], group: false, only: [] }]);
  await send(f, groupText('u1', 'g', 'silent too'));
  assert.deepEqual(receiversOf('silent too'), [{ to: [], group: false, only: [] }]);
  receiver.answer('garbage');
  assert.equal(await codeOf(send(f, text('u1', 'u2', 'garbage'))), ERR.DataError);
});

test('a group message is pushed to the members that the answer names', async () => {
  hook(['beforeGroupOnlinePush']);
  receiver.answer({ userIDList: ['u2', 'u9', 'unknown'] });
  const answer = await send(f, groupText('u1', 'g', 'for some'), by('u1', { operationID: 'op' }));
  const command = 'callbackBeforeGroupOnlinePushCommand';
  assert.deepEqual(receiver.take(), [
    {
      command,
      body: {
        callbackCommand: command,
        operationID: 'op',
        platformID: 0,
        platform: '',
        clientMsgID: answer.clientMsgID,
        sendID: 'u1',
        groupID: 'g',
        contentType: 101,
        sessionType: 3,
        atUserIDList: [],
        content: '{"content":"for some"}',
        seq: 0,
      },
    },
  ]);
  assert.deepEqual(receiversOf('for some'), [{ to: [], group: true, only: ['u2'] }]);
  receiver.answer({ userIDList: Array.from({ length: 1_001 }, (_, i) => `u${i}`) });
  assert.equal(await codeOf(send(f, groupText('u1', 'g', 'too many'))), ERR.ArgsError);
});

test('records of a new chat: asked about once, made as the answer says, reported for both sides', async () => {
  hook(['beforeCreateSingleChatConversations', 'afterCreateSingleChatConversations']);
  const settingsOf = async (owner: string, id: string) =>
    (await conversationSettings(f.store).find(ONE, owner, [id]))[0];
  receiver.answer({ recvMsgOpt: 2, isPinned: true, ex: 'x' });
  await send(f, text('u6', 'u7', 'first'));
  const side = {
    conversationId: 'si_u6_u7',
    conversationType: 1,
    recvMsgOpt: 0,
    isPinned: false,
    isPrivateChat: false,
    burnDuration: 0,
    groupAtType: 0,
    attachedInfo: '',
    ex: '',
  };
  const command = 'callbackBeforeCreateSingleChatConversationsCommand';
  const body = { callbackCommand: command, ...side, ownerUserId: 'u6', userId: 'u7' };
  assert.deepEqual(receiver.take(), [{ command, body }]);
  for (const owner of ['u6', 'u7']) {
    const { recvMsgOpt, isPinned, ex, isPrivateChat } = (await settingsOf(owner, 'si_u6_u7')) ?? {};
    assert.deepEqual(
      { recvMsgOpt, isPinned, ex, isPrivateChat },
      { recvMsgOpt: 2, isPinned: true, ex: 'x', isPrivateChat: false },
    );
  }
  const made = { ...side, recvMsgOpt: 2, isPinned: true, ex: 'x' };
  const after = { callbackCommand: 'callbackAfterCreateSingleChatConversationsCommand', ...made };
  assert.deepEqual(
    (await reported()).map((report) => report.body),
    [
      { ...after, ownerUserId: 'u6', userId: 'u7' },
      { ...after, ownerUserId: 'u7', userId: 'u6' },
    ],
  );
  await send(f, text('u6', 'u7', 'second'));
  assert.deepEqual(receiver.take(), []);
  assert.deepEqual(await reported(), []);

  receiver.answer(REFUSAL);
  await send(f, text('u8', 'u9', 'not stored', { options: { history: false } }));
  assert.deepEqual(receiver.take(), []);
  await send(f, text('u8', 'u9', 'first'));
  assert.equal(await settingsOf('u8', 'si_u8_u9'), undefined);
  assert.equal(f.log.delivered.at(-1)?.conversationID, 'si_u8_u9');
});

test('items of one call do not wait for each other', async () => {
  hook(['beforeSendSingleMsg']);
  const answered = Promise.withResolvers<object>();
  receiver.answer(() => answered.promise);
  const item = (tenant: string) =>
    make('msg.SendItem', {
      tenant,
      operationID: 'op',
      opUserID: 'u1',
      msgData: encode('sdkws.MsgData', text('u1', 'u2', 'hello')),
    });
  const parts: msg.SendMsgsResp[] = [];
  const context = by('u1', {
    onPartial(part) {
      parts.push(part as msg.SendMsgsResp);
      answered.resolve(REFUSAL);
    },
  });
  const request = make('msg.SendMsgsReq', { items: [item(ONE), item(TWO)] });
  const { results } = await f.msg.sendMsgs(context, request);
  assert.deepEqual(
    parts.map(({ indexes }) => indexes),
    [[1]],
  );
  assert.equal(results[0]?.code, REFUSAL.errCode);
});

test('revocations are reported, also by a second attempt of the same user', async () => {
  hook(['afterRevokeMsg']);
  await send(f, text('u1', 'u2', 'oops'));
  const [{ conversationID, seq } = { conversationID: '', seq: 0 }] = f.log.delivered;
  const request = make('msg.RevokeMsgReq', { conversationID, seq, userID: 'u1' });
  await f.msg.revokeMsg(by('u1'), request);
  const [first, ...none] = await f.takeWebhooks();
  assert.deepEqual(none, []);
  assert.deepEqual(first?.body, {
    callbackCommand: 'callbackBeforeAfterMsgCommand',
    conversationID,
    seq,
    userID: 'u1',
  });
  assert.equal(await codeOf(f.msg.revokeMsg(by('u1'), request)), ERR.MsgAlreadyRevoke);
  assert.deepEqual(
    (await f.takeWebhooks()).map(({ id }) => id),
    [first?.id],
  );
});

test('reads are reported, of single chats with seqs, of groups with the position', async () => {
  hook(['afterSingleMsgRead', 'afterGroupMsgRead']);
  await send(f, text('u4', 'u5', 'one'));
  const conversationID = 'si_u4_u5';
  const single = { conversationID, userID: 'u5' };
  await f.msg.markMsgsAsRead(by('u5'), make('msg.MarkMsgsAsReadReq', { ...single, seqs: [1] }));
  const whole = { ...single, hasReadSeq: 1, seqs: [1] };
  await f.msg.markConversationAsRead(by('u5'), make('msg.MarkConversationAsReadReq', whole));
  const command = 'callbackAfterSingleMsgReadCommand';
  const read = {
    event: 'afterSingleMsgRead',
    body: { callbackCommand: command, ...single, Seqs: [1], contentType: 1 },
  };
  assert.deepEqual(await reported(), [read, read]);
  await send(f, groupText('u1', 'g', 'two'));
  const group = make('msg.MarkConversationAsReadReq', {
    conversationID: 'sg_g',
    userID: 'u2',
    hasReadSeq: 1,
  });
  await f.msg.markConversationAsRead(by('u2'), group);
  assert.deepEqual(await reported(), [
    {
      event: 'afterGroupMsgRead',
      body: {
        callbackCommand: 'callbackAfterGroupMsgReadCommand',
        sendID: 'u2',
        receiveID: 'u2',
        unreadMsgNum: 1,
        contentType: 3,
      },
    },
  ]);
});
