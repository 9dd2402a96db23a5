import { asSystem, type CallContext } from '@im/kit';
import { encode, make, type msg, type sdkws } from '@im/protocol';
import type { ConversationParts } from './parts.ts';

/** Most ids that the message domain takes in one request. */
const MAX_POSITIONS = 10_000;
const MAX_LAST_MESSAGES = 500;
/** Most bytes of last messages in one answer. */
const LAST_MESSAGES_BYTES = 4 * 1_024 * 1_024;

/** Where a user is in conversations of his; those without a record are left out. */
export async function positionsOf(
  { rpc }: Pick<ConversationParts, 'rpc'>,
  ctx: CallContext,
  userID: string,
  conversationIDs: readonly string[],
): Promise<Map<string, msg.Seqs>> {
  const found = new Map<string, msg.Seqs>();
  for (let begin = 0; begin < conversationIDs.length; begin += MAX_POSITIONS) {
    const part = conversationIDs.slice(begin, begin + MAX_POSITIONS);
    const request = make('msg.GetConversationsHasReadAndMaxSeqReq', { userID, conversationIDs: part });
    const { seqs } = await rpc.client('msg').getConversationsHasReadAndMaxSeq(asSystem(ctx), request);
    for (const [id, position] of Object.entries(seqs)) found.set(id, position);
  }
  return found;
}

/**
 * The newest message of each conversation that the user did not delete; those without one are left out.
 * @param conversationIDs in the order of importance: last messages of those at the end are left out once
 *   those before take 4 MiB.
 */
export async function lastMessagesOf(
  { rpc }: Pick<ConversationParts, 'rpc'>,
  ctx: CallContext,
  userID: string,
  conversationIDs: readonly string[],
): Promise<Map<string, sdkws.MsgData>> {
  const found = new Map<string, sdkws.MsgData>();
  let wanted = [...conversationIDs];
  let bytes = 0;
  while (wanted.length > 0 && bytes < LAST_MESSAGES_BYTES) {
    const asked = wanted.slice(0, MAX_LAST_MESSAGES);
    const request = make('msg.GetLastMessageReq', { userID, conversationIDs: asked, skipDeleted: true });
    const { msgs, cut } = await rpc.client('msg').getLastMessage(asSystem(ctx), request);
    for (const [id, message] of Object.entries(msgs)) {
      found.set(id, message);
      bytes += encode('sdkws.MsgData', message).length;
    }
    // Without a message there is none for the rest either.
    if (Object.keys(msgs).length === 0) break;
    wanted = [...cut, ...wanted.slice(asked.length)];
  }
  return found;
}

/** Messages that the user has not read. */
export function unreadOf(position: msg.Seqs | undefined): number {
  return position ? Math.max(0, position.maxSeq - position.hasReadSeq) : 0;
}
