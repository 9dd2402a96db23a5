import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CONTENT, ImError, make } from '@im/protocol';
import { blackRepo, groupMemberChanges } from '@im/store';
import { by, type Fixture, groupText, makeGroup, ONE, send, startFixture, text } from './harness.ts';

let f: Fixture;
before(async () => {
  f = await startFixture();
});
after(() => f?.[Symbol.asyncDispose]());

const hasCode = (code: number) => (error: unknown) => error instanceof ImError && error.code === code;
const forAll = make('msg.DeleteSyncOpt', { IsSyncOther: true });
/** Changes of messages that others see. */
const doors = (userID: string, conversationID: string, seq: number) => ({
  revoke: () => f.msg.revokeMsg(by(userID), make('msg.RevokeMsgReq', { conversationID, seq, userID })),
  delete: () =>
    f.msg.deleteMsgs(
      by(userID),
      make('msg.DeleteMsgsReq', { conversationID, seqs: [seq], userID, deleteSyncOpt: forAll }),
    ),
  clear: () =>
    f.msg.clearConversationsMsg(
      by(userID),
      make('msg.ClearConversationsMsgReq', {
        conversationIDs: [conversationID],
        userID,
        deleteSyncOpt: forAll,
      }),
    ),
});
const delivered = (contentType: number) =>
  f.log.delivered.filter(({ message }) => message.contentType === contentType);
const block = {
  ownerUserID: 'u2',
  blackUserID: 'u1',
  createTime: 1,
  addSource: 0,
  operatorUserID: 'u2',
  ex: '',
};

test('a blocked user neither writes, nor types, nor changes messages at the blocker', async () => {
  const cid = 'si_u1_u2';
  await send(f, text('u1', 'u2', 'before'));
  await send(f, text('u2', 'u1', 'answer'));
  await blackRepo(f.store).add(ONE, block);
  const before = f.log.delivered.length;
  await assert.rejects(send(f, text('u1', 'u2', 'x')), hasCode(1302));
  await assert.rejects(send(f, text('u1', 'u2', '', { contentType: CONTENT.Typing })), hasCode(1302));
  const { revoke, ...closed } = doors('u1', cid, 1);
  for (const [name, open] of Object.entries(closed)) await assert.rejects(open(), hasCode(1302), name);
  assert.equal(f.log.delivered.length, before);
  // Own messages may be revoked.
  await revoke();
});

test('who is blocked still reads, and only the own devices learn of it', async () => {
  const cid = 'si_u1_u2';
  const mark = make('msg.MarkConversationAsReadReq', { conversationID: cid, userID: 'u1', hasReadSeq: 2 });
  await f.msg.markConversationAsRead(by('u1'), mark);
  await f.msg.markMsgsAsRead(
    by('u1'),
    make('msg.MarkMsgsAsReadReq', { conversationID: cid, userID: 'u1', seqs: [2] }),
  );
  const receipts = delivered(CONTENT.HasReadReceipt);
  assert.equal(receipts.length, 2);
  for (const { message } of receipts) assert.deepEqual([message.sendID, message.recvID], ['u1', 'u1']);
  const ask = make('msg.GetConversationsHasReadAndMaxSeqReq', { userID: 'u1' });
  assert.equal((await f.msg.getConversationsHasReadAndMaxSeq(by('u1'), ask)).seqs[cid]?.hasReadSeq, 2);

  await blackRepo(f.store).remove(ONE, 'u2', 'u1');
  await f.msg.markConversationAsRead(by('u1'), mark);
  assert.equal(delivered(CONTENT.HasReadReceipt).at(-1)?.message.recvID, 'u2');
});

test('a muted member deletes nothing for others, but revokes own messages', async () => {
  await makeGroup(f, 'mute', ['u5', 'u6', 'u7']);
  await send(f, groupText('u7', 'mute', 'x'));
  const mute = (muteEndTime: number) =>
    groupMemberChanges(f.store).update(ONE, 'mute', 'u7', { muteEndTime });
  await mute(Date.now() + 60_000);
  const { revoke, delete: remove } = doors('u7', 'sg_mute', 2);
  await assert.rejects(remove(), hasCode(1402));
  await revoke();
});
