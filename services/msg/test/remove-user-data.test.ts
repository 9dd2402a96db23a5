import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { make } from '@im/protocol';
import { msgIndexes, msgRows, seqUsers } from '@im/store';
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
before(async () => {
  f = await startFixture();
});
after(() => f?.[Symbol.asyncDispose]());

const GROUP = 'sg_g';

for (const [tenant, indexed] of [
  [ONE, false],
  [TWO, true],
] as const) {
  test(`the contents of a deleted account's messages are erased, and no others (${indexed ? 'by the index of senders' : 'without indexes'})`, async () => {
    const at = { tenant };
    await makeGroup(f, 'g', ['u1', 'u2', 'u3'], tenant);
    for (let n = 1; n <= 30; n++) {
      const sender = n % 3 === 0 ? 'u1' : n % 3 === 1 ? 'u2' : 'u3';
      await send(f, groupText(sender, 'g', `m${n}`), by(sender, at));
    }
    await send(f, text('u1', 'u2', 'single'), by('u1', at));
    await send(f, text('u2', 'u1', 'answer'), by('u2', at));
    if (indexed) {
      await msgIndexes(f.store).set(tenant, true);
      // No conversation of theirs is known: the index alone finds what they sent.
      await seqUsers(f.store).removeAll(tenant, 'u1');
    }

    let [cursor, more, removed] = ['', true, 0];
    while (more) {
      const request = make('account.RemoveUserDataReq', { userID: 'u1', erase: true, cursor });
      const answer = await f.msg.removeUserData(byAdmin(at), request);
      ({ cursor, more } = answer);
      removed += answer.removed;
    }
    assert.ok(removed >= 11, `${removed} messages and positions`);
    const rows = await msgRows(f.store).bySeqs(tenant, [
      { conversationID: GROUP, seqs: Array.from({ length: 40 }, (_, i) => i + 1) },
      { conversationID: 'si_u1_u2', seqs: [1, 2] },
    ]);
    const chats = rows.filter(({ sendID }) => ['u1', 'u2', 'u3'].includes(sendID ?? ''));
    assert.ok(chats.length >= 32);
    for (const { sendID, msgData } of chats)
      assert.equal(msgData === undefined, sendID === 'u1', String(sendID));
  });
}

test('cursors of other calls are refused', async () => {
  for (const cursor of ['x', 'sent x', 'sent 1 2']) {
    const request = make('account.RemoveUserDataReq', { userID: 'u2', erase: true, cursor });
    await assert.rejects(f.msg.removeUserData(byAdmin(), request), { code: 1001 });
  }
});
