import { asSystem, type CallContext } from '@im/kit';
import { make, type msg, type sdkws } from '@im/protocol';
import type { ConversationParts } from './parts.ts';

/** Most ids that the message domain takes in one request. */
const MAX_POSITIONS = 10_000;
const MAX_LAST_MESSAGES = 500;

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

/** The last message of each conversation as the user sees it; those without one are left out. */
export async function lastMessagesOf(
  { rpc }: Pick<ConversationParts, 'rpc'>,
  ctx: CallContext,
  userID: string,
  conversationIDs: readonly string[],
): Promise<Map<string, sdkws.MsgData>> {
  const found = new Map<string, sdkws.MsgData>();
  for (let begin = 0; begin < conversationIDs.length; begin += MAX_LAST_MESSAGES) {
    const part = conversationIDs.slice(begin, begin + MAX_LAST_MESSAGES);
    const request = make('msg.GetLastMessageReq', { userID, conversationIDs: part });
    const { msgs } = await rpc.client('msg').getLastMessage(asSystem(ctx), request);
    for (const [id, message] of Object.entries(msgs)) found.set(id, message);
  }
  return found;
}

/** Messages that the user has not read. */
export function unreadOf(position: msg.Seqs | undefined): number {
  return position ? Math.max(0, position.maxSeq - position.hasReadSeq) : 0;
}
