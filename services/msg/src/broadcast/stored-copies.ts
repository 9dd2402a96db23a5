import type { CallContext } from '@im/kit';
import { chatConversationID, decode, SESSION } from '@im/protocol';
import type { Broadcast, ConversationSeqs, MsgRows } from '@im/store';
import { clientMsgIDOf } from './send-page.ts';

/** Newest messages of a conversation that are looked through. */
const LOOKED_THROUGH = 50;
/** Conversations that are read at once. */
const AT_ONCE = 4;

/** Who of some has the message of a broadcast, as far as its conversation says. */
export interface StoredCopies {
  readonly have: readonly string[];
  /** Too much was written since to tell. */
  readonly unclear: readonly string[];
}

/**
 * Looks for the message in what is stored. For pages whose first attempt is older than what the log recognizes as sent before.
 * @param since time of that attempt, ms
 */
export async function storedCopies(
  ctx: CallContext,
  {
    rows,
    conversationSeqs,
  }: { readonly rows: Pick<MsgRows, 'bySeqs'>; readonly conversationSeqs: Pick<ConversationSeqs, 'get'> },
  broadcast: Broadcast,
  userIDs: readonly string[],
  since: number,
): Promise<StoredCopies> {
  const clientMsgID = clientMsgIDOf(ctx.tenant, broadcast);
  const idOf = (recvID: string) =>
    chatConversationID({ sessionType: SESSION.Single, sendID: broadcast.senderID, recvID, groupID: '' });
  const states = await conversationSeqs.get(ctx.tenant, userIDs.map(idOf));
  const have: string[] = [];
  const unclear: string[] = [];
  for (let begin = 0; begin < userIDs.length; begin += AT_ONCE) {
    const some = userIDs.slice(begin, begin + AT_ONCE);
    const spans = some.map((userID) => {
      const max = states.get(idOf(userID))?.max ?? 0;
      const first = Math.max(1, max - LOOKED_THROUGH + 1);
      return {
        conversationID: idOf(userID),
        seqs: Array.from({ length: max - first + 1 }, (_, i) => first + i),
      };
    });
    const found = await rows.bySeqs(ctx.tenant, spans);
    for (const [i, userID] of some.entries()) {
      const own = found.filter(({ conversationID }) => conversationID === spans[i]?.conversationID);
      if (own.some(({ msgData }) => msgData && decode('sdkws.MsgData', msgData).clientMsgID === clientMsgID))
        have.push(userID);
      else if (own.length === LOOKED_THROUGH && own.every(({ logTime }) => logTime >= since))
        unclear.push(userID);
    }
  }
  return { have, unclear };
}
