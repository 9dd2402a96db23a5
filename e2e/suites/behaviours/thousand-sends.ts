import assert from 'node:assert/strict';
import { connectWire, pullRange, readPositions } from '@im/client';
import { messagesOf } from '@im/dev-sdk';
import { eventually } from '../eventually.ts';
import { type Behaviour, freshText } from '../fixture.ts';

const COUNT = 1_000;
/** iOS: a platform that no fixture uses, so that the reading connection kicks no other. */
const READER_PLATFORM = 1;

export const thousandSends: Behaviour = {
  name: `${COUNT} sends in a row: no own message comes back, and both sides hold what the server holds`,
  async run({ alice, bob, cluster, tenant }) {
    const target = { user: bob.userID };
    const conversationID = alice.conversationID(target);
    const since = alice.events.mark();
    const bobSince = bob.events.mark();
    const sent: string[] = [];
    const topic = freshText('burst');
    for (let i = 0; i < COUNT; i++) {
      const message = await alice.sendText(target, `${topic} ${i}`);
      sent.push(message.clientMsgID);
    }
    await bob.received(`${topic} ${COUNT - 1}`, { since: bobSince, timeoutMs: 120_000 });

    const callbacks = ['OnRecvNewMessages', 'OnRecvNewMessage'].flatMap((name) =>
      alice.events.named(name, since),
    );
    const own = callbacks.flatMap(messagesOf).filter((m) => m.sendID === alice.userID);
    assert.equal(own.length, 0, `${own.length} own messages came back`);
    const heard = bob.events
      .named('OnRecvNewMessages', bobSince)
      .flatMap(messagesOf)
      .filter((m) => m.textElem?.content.startsWith(topic));
    assert.deepEqual(
      heard.map((m) => m.clientMsgID),
      sent,
      'the receiver was called once for each, in order',
    );

    const stored = await storedOnServer();
    const tail = stored.slice(-COUNT);
    assert.deepEqual(
      tail.map((m) => m.clientMsgID),
      sent,
    );
    for (const user of [alice, bob]) {
      await eventually(async () => {
        const local = (await user.history(conversationID, COUNT)).map((m) => [m.seq, m.clientMsgID]);
        assert.deepEqual(
          local,
          tail.map((m) => [m.seq, m.clientMsgID]),
          `${user.userID} holds what the server holds`,
        );
      }, 120_000);
    }

    async function storedOnServer(): Promise<{ seq: number; clientMsgID: string }[]> {
      const token = await cluster.admin(tenant).userToken(alice.userID, READER_PLATFORM);
      const connection = await connectWire({
        ws: cluster.endpoint(tenant).ws,
        userID: alice.userID,
        token,
        platformID: READER_PLATFORM,
      });
      try {
        const max = (await readPositions(connection))[conversationID]?.maxSeq ?? 0;
        const all = [];
        for await (const { seq, clientMsgID } of pullRange(connection, conversationID, 1, max)) {
          all.push({ seq, clientMsgID });
        }
        return all;
      } finally {
        connection.close();
      }
    }
  },
};
