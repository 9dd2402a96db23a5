import assert from 'node:assert/strict';
import { eventually } from '../eventually.ts';
import { type Behaviour, freshText } from '../fixture.ts';

const REVOKED = 2101;

export const revoke: Behaviour = {
  name: 'a revoked message is withdrawn on both sides',
  async run({ alice, bob }) {
    const since = bob.events.mark();
    const text = freshText('never said');
    const conversationID = alice.conversationID({ user: bob.userID });
    const { clientMsgID } = await alice.sendText({ user: bob.userID }, text);
    const { seq } = await bob.received(text);
    // An SDK names the message by its seq, which it learns from its own push.
    await eventually(async () => {
      const own = (await alice.history(conversationID, 1))[0];
      assert.equal(own?.seq, seq);
    });
    await alice.revoke(conversationID, clientMsgID);
    const { data } = await bob.events.wait('OnNewRecvMessageRevoked', undefined, { since });
    const revoked = data as { clientMsgID: string; revokerID: string; seq: number };
    assert.deepEqual([revoked.clientMsgID, revoked.revokerID, revoked.seq], [clientMsgID, alice.userID, seq]);
    for (const user of [alice, bob]) {
      await eventually(async () => {
        const message = (await user.history(conversationID, 3)).find((each) => each.seq === seq);
        assert.equal(message?.contentType, REVOKED, `${user.userID} still shows ${message?.content}`);
      });
    }
  },
};
