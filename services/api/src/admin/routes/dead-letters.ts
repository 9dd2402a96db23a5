import { type DeadLetter, getDeadLetter, listDeadLetters, listParked, retryDeadLetter } from '@im/admin-api';
import { make, type msg } from '@im/protocol';
import { type AdminRoute, adminRoute } from '../admin-route.ts';
import { fromOpaque, opaque } from '../cursor.ts';

function letterOf(letter: msg.DeadLetter): DeadLetter {
  const { id, entry, reason, time, retryTime, conversationID, sendID, contentType } = letter;
  return {
    ...{ letterID: id, isReadable: entry >= 0, reason, time, retryTime },
    ...{ conversationID, sendID, contentType },
  };
}

/** Messages of a tenant that could not be stored. */
export const deadLetterRoutes: readonly AdminRoute[] = [
  adminRoute(listDeadLetters, 'msg.searchDeadLetters', async ({ ctx, rpc }, { query }) => {
    const request = make('msg.SearchDeadLettersReq', { ...query, cursor: fromOpaque(query.cursor) });
    const { letters, cursor } = await rpc.client('msg').searchDeadLetters(ctx, request);
    return { letters: letters.map(letterOf), ...opaque(cursor) };
  }),
  adminRoute(getDeadLetter, 'msg.getDeadLetter', async ({ ctx, rpc }, { params: { letterID } }) => {
    const request = make('msg.GetDeadLetterReq', { id: letterID });
    const { letter } = await rpc.client('msg').getDeadLetter(ctx, request);
    const found = letter ?? make('msg.DeadLetter');
    const { content, clientMsgID, serverMsgID, sendTime } = found.message ?? make('sdkws.MsgData');
    return {
      ...{ letter: letterOf(found), bytes: found.bytes },
      ...{ content: Buffer.from(content).toString(), clientMsgID, serverMsgID, sendTime },
    };
  }),
  adminRoute(retryDeadLetter, 'msg.replayDeadLetter', async ({ ctx, rpc }, { params: { letterID } }) => {
    await rpc.client('msg').replayDeadLetter(ctx, make('msg.ReplayDeadLetterReq', { id: letterID }));
    return {};
  }),
  adminRoute(listParked, 'msg.searchParked', async ({ ctx, rpc }, { query }) => {
    const request = make('msg.SearchParkedReq', { ...query, cursor: fromOpaque(query.cursor) });
    const { parked, cursor } = await rpc.client('msg').searchParked(ctx, request);
    const shown = parked.map(({ conversation, partition, reason, since, records }) => ({
      ...{ conversation, partition, reason, since, records },
    }));
    return { parked: shown, ...opaque(cursor) };
  }),
];
