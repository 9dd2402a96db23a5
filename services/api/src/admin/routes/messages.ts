import { type Message, searchMessages } from '@im/admin-api';
import { make, type msg } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

function messageOf({ conversationID, seq, isRevoked, message }: msg.FoundMessage): Message {
  const data = message ?? make('sdkws.MsgData');
  const { sendID, recvID, groupID, senderNickname, clientMsgID, serverMsgID, sessionType } = data;
  return {
    ...{ conversationID, seq, sendID, groupID, senderNickname, clientMsgID, serverMsgID, sessionType },
    // Of group messages the receiver is whatever the sender filled in.
    recvID: groupID === '' ? recvID : '',
    contentType: data.contentType,
    content: Buffer.from(data.content).toString(),
    sendTime: data.sendTime,
    isRevoked,
  };
}

/** Messages of a tenant. */
export const messageRoutes: readonly AdminRoute[] = [
  adminRoute(searchMessages, 'msg.searchMessages', async ({ ctx, rpc }, { query }) => {
    const { from: start = 0, to: end = 0, cursor, contentType = 0, reason: _, ...asked } = query;
    const request = make('msg.SearchMessagesReq', {
      ...{ conversationID: '', groupID: '', sendID: '', recvID: '', text: '' },
      ...asked,
      ...{ start, end, contentType, cursor: fromOpaque(cursor) },
    });
    const { messages, examined, byTime, cursor: next } = await rpc.client('msg').searchMessages(ctx, request);
    return { messages: messages.map(messageOf), examined, byTime, ...opaque(next) };
  }),
];
