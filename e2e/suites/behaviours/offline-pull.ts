import assert from 'node:assert/strict';
import { eventually } from '../eventually.ts';
import { type Behaviour, freshText } from '../fixture.ts';

/** More than an SDK pulls at once after a login. */
const COUNT = 15;

export const offlinePull: Behaviour = {
  name: 'what was missed while logged out is there after the next login',
  async run({ alice, bob, login }) {
    const target = { user: alice.userID };
    const conversationID = bob.conversationID(target);
    // Earlier messages may not be counted yet.
    await eventually(async () => {
      if ((await bob.conversation(target)).unreadCount > 0) await bob.markRead(conversationID);
      assert.equal((await bob.conversation(target)).unreadCount, 0);
    });
    await bob.logout();
    const texts: string[] = [];
    for (let i = 0; i < COUNT; i++) {
      const text = freshText('while away');
      await alice.sendText({ user: bob.userID }, text);
      texts.push(text);
    }
    await login(bob);
    await eventually(async () => {
      const history = await bob.history(conversationID, COUNT);
      assert.deepEqual(
        history.map((m) => m.textElem?.content),
        texts,
      );
      const first = history[0]?.seq ?? 0;
      assert.deepEqual(
        history.map((m) => m.seq - first),
        texts.map((_, i) => i),
      );
    });
    await eventually(async () => {
      assert.equal((await bob.conversation(target)).unreadCount, COUNT);
    });
    const back = freshText('back again');
    await alice.sendText({ user: bob.userID }, back);
    await bob.received(back);
  },
};
