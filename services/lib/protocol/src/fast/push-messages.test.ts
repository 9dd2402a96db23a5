import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encode, make } from '../codec.ts';
import { encodePushMessages } from './push-messages.ts';

test('the hand-made push is what the codec makes of it, at every length', () => {
  for (const size of [0, 1, 90, 110, 130, 16_300, 16_400, 70_000, 2_200_000]) {
    for (const conversationID of ['si_a_b', 'n_a_b', `sg_${'漢'.repeat(60)}`]) {
      const message = make('sdkws.MsgData', { sendID: 'a', content: Buffer.alloc(size, 7), seq: size });
      const pull = { [conversationID]: make('sdkws.PullMsgs', { Msgs: [message] }) };
      const fields = conversationID.startsWith('n_') ? { notificationMsgs: pull } : { msgs: pull };
      const wanted = encode('sdkws.PushMessages', make('sdkws.PushMessages', fields));
      const pushed = encodePushMessages(conversationID, encode('sdkws.MsgData', message));
      assert.deepEqual(pushed, Buffer.from(wanted), `${conversationID} ${size}`);
    }
  }
});
