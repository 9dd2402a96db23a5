import type { CallContext } from '@im/kit';
import { argsError, type conversation } from '@im/protocol';
import { notFound } from '@im/store';
import type { MsgParts } from '../parts.ts';

/** Most seqs that one request changes. */
export const MAX_CHANGED = 5_000;

/**
 * The user's record of a conversation.
 * @throws ImError 1001 without an id, 1004 when the user has no such conversation.
 */
export async function ownConversation(
  { conversationSettings }: Pick<MsgParts, 'conversationSettings'>,
  ctx: CallContext,
  userID: string,
  conversationID: string,
): Promise<conversation.Conversation> {
  if (conversationID === '') throw argsError('conversationID is empty');
  const [record] = await conversationSettings.find(ctx.tenant, userID, [conversationID]);
  if (!record) throw notFound('conversation');
  return record;
}

/** @throws ImError 1001 for an empty list, too many, or what is not a seq. */
export function checkSeqs(seqs: readonly number[]): void {
  if (seqs.length === 0) throw argsError('seqs is empty');
  if (seqs.length > MAX_CHANGED) throw argsError(`seqs has more than ${MAX_CHANGED} entries`);
  if (seqs.some((seq) => seq < 1)) throw argsError('seqs contains a number below 1');
}
