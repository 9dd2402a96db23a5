import assert from 'node:assert/strict';
import { eventually } from '../eventually.ts';
import { type Behaviour, freshText } from '../fixture.ts';

interface Receipt {
  readonly userID: string;
  readonly msgIDList: readonly string[];
}

export const readReceipt: Behaviour = {
  name: 'the sender is notified that the messages were read',
  async run({ alice, bob }) {
    const since = alice.events.mark();
    const texts = [freshText('read me'), freshText('and me')];
    const sent = [];
    for (const text of texts) sent.push(await alice.sendText({ user: bob.userID }, text));
    await bob.received(texts[1] as string);
    const target = { user: alice.userID };
    await eventually(async () => assert.ok((await bob.conversation(target)).unreadCount >= 2));
    await bob.markRead(bob.conversationID(target));
    const ids = sent.map((message) => message.clientMsgID);
    await alice.events.wait(
      'OnRecvC2CReadReceipt',
      ({ data }) => {
        const receipts = (Array.isArray(data) ? data : [data]) as Receipt[];
        const read = receipts.filter((r) => r.userID === bob.userID).flatMap((r) => r.msgIDList);
        return ids.every((id) => read.includes(id));
      },
      { since },
    );
    await eventually(async () => assert.equal((await bob.conversation(target)).unreadCount, 0));
  },
};
