import assert from 'node:assert/strict';
import { decode, ERR, make, type msg, type sdkws } from '@im/protocol';
import { type Harness, startApi } from './harness.ts';

/** A text from u1 to u2. */
export const TEXT = {
  sendID: 'u1',
  recvID: 'u2',
  content: { content: 'hello' },
  contentType: 101,
  sessionType: 1,
};

/** The API over a message domain that keeps what it is given. */
export async function withSend(): Promise<Harness & { sent: sdkws.MsgData[] }> {
  const api = await startApi();
  const sent: sdkws.MsgData[] = [];
  const answer = ({ clientMsgID, sendTime }: sdkws.MsgData) =>
    make('msg.SendMsgResp', { serverMsgID: 's1', clientMsgID, sendTime: sendTime || 1_700_000_000_000 });
  api.stub('msg.sendMsg', (_ctx, { msgData }: msg.SendMsgReq) => {
    assert.ok(msgData);
    sent.push(msgData);
    return answer(msgData);
  });
  api.stub('msg.sendMsgs', (_ctx, { items }: msg.SendMsgsReq) => {
    const results = items.map((item) => {
      const msgData = decode('sdkws.MsgData', item.msgData);
      assert.deepEqual(
        [item.tenant, item.opUserID, item.opAdmin, item.operationID],
        ['default', 'imAdmin', true, 'op1'],
      );
      sent.push(msgData);
      if (msgData.recvID === 'bad') return make('msg.SendResult', { code: ERR.ArgsError });
      return make('msg.SendResult', { resp: answer(msgData) });
    });
    return make('msg.SendMsgsResp', { results });
  });
  return Object.assign(api, { sent });
}
