import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { make } from '@im/protocol';
import { type AuditRecord, auditRepo } from '@im/store';
import { by, byAdmin, type Fixture, ONE, send, startFixture, text } from './harness.ts';

let f: Fixture;
before(async () => {
  f = await startFixture();
  await send(f, text('u1', 'u2', 'one'));
  await send(f, text('u2', 'u1', 'two'));
});
after(() => f?.[Symbol.asyncDispose]());

const CHAT = 'si_u1_u2';
const pull = (ctx = byAdmin(), userID = 'u1') => {
  const seqRanges = [make('sdkws.SeqRange', { conversationID: CHAT, begin: 1, end: 9, num: 9 })];
  return f.msg.pullMessageBySeqs(ctx, make('sdkws.PullMessageBySeqsReq', { userID, seqRanges }));
};
const search = (ctx = byAdmin()) => {
  const pagination = make('sdkws.RequestPagination', { pageNumber: 1, showNumber: 10 });
  return f.msg.searchMessage(ctx, make('msg.SearchMessageReq', { sendID: 'u1', recvID: 'u2', pagination }));
};
const byList = (ctx = byAdmin()) => {
  const conversations = [make('msg.ConversationSeqs', { conversationID: CHAT, seqs: [2] })];
  return f.msg.getSeqMessage(ctx, make('msg.GetSeqMessageReq', { userID: 'u1', conversations }));
};
const last = (ctx = byAdmin()) =>
  f.msg.getLastMessage(ctx, make('msg.GetLastMessageReq', { userID: 'u1', conversationIDs: [CHAT] }));
const recorded = async (): Promise<AuditRecord[]> => (await auditRepo(f.store).list(ONE, {}, 100)).records;
const detailsOf = ({ details }: AuditRecord) => JSON.parse(details);

test('who reads messages of others, which and how many is recorded', async () => {
  await search();
  await pull();
  await byList();
  await last();
  const records = (await recorded()).reverse();
  assert.deepEqual(
    records.map((record) => [record.act, record.targetKind, record.targetID, detailsOf(record).method]),
    [
      ['message.search', 'conversation', '', 'searchMessage'],
      ['message.read', 'user', 'u1', 'pullMessageBySeqs'],
      ['message.read', 'user', 'u1', 'getSeqMessage'],
      ['message.read', 'user', 'u1', 'getLastMessage'],
    ],
  );
  assert.deepEqual(
    records.map((record) => detailsOf(record).messages),
    [1, 2, 1, 1],
  );
  for (const { admin, outcome, errCode } of records)
    assert.deepEqual([admin, outcome, errCode], ['imAdmin', 'done', 0]);
  const [found, pulled] = records.map(detailsOf);
  assert.deepEqual([found.sendID, found.recvID], ['u1', 'u2']);
  assert.deepEqual(pulled.conversationIDs, [CHAT]);
  assert.doesNotMatch(JSON.stringify(records), /"one|two"/);
});

test('users who read what is theirs and the system itself leave no record', async () => {
  const before = (await recorded()).length;
  await pull(by('u1'));
  await pull(byAdmin(), 'imAdmin');
  await last(by('', { opAdmin: true, connID: '' }));
  await assert.rejects(pull(by('u2')));
  assert.equal((await recorded()).length, before);
});
