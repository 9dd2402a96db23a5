import assert from 'node:assert/strict';
import { eventually } from '../eventually.ts';
import { type Behaviour, freshText } from '../fixture.ts';

export const textBothWays: Behaviour = {
  name: 'text goes both ways',
  async run({ alice, bob }) {
    const marks = new Map([alice, bob].map((user) => [user, user.events.mark()]));
    const there = freshText('there');
    const back = freshText('back');
    const sent = await alice.sendText({ user: bob.userID }, there);
    assert.equal(sent.status, 2);
    assert.ok(sent.serverMsgID, 'the acknowledgement names the message');
    const seen = await bob.received(there);
    assert.equal(seen.clientMsgID, sent.clientMsgID);
    assert.equal(seen.serverMsgID, sent.serverMsgID);
    assert.equal(seen.sendID, alice.userID);
    assert.equal(seen.sendTime, sent.sendTime);

    await bob.sendText({ user: alice.userID }, back);
    const answer = await alice.received(back);
    assert.equal(answer.seq, seen.seq + 1);

    for (const user of [alice, bob]) {
      const since = marks.get(user);
      const own = user === alice ? there : back;
      const callbacks = JSON.stringify(
        ['OnRecvNewMessages', 'OnRecvNewMessage'].flatMap((name) => user.events.named(name, since)),
      );
      assert.equal(callbacks.includes(own), false, `${user.userID} was called back with an own message`);
      const conversationID = user.conversationID({ user: user === alice ? bob.userID : alice.userID });
      await eventually(async () => {
        const newest = (await user.history(conversationID, 2)).map((m) => [m.seq, m.textElem?.content]);
        assert.deepEqual(newest, [
          [seen.seq, there],
          [answer.seq, back],
        ]);
      });
    }
  },
};
