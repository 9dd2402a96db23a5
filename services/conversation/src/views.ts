import { asSystem, type CallContext } from '@im/kit';
import { type conversation, decode, make, type msg, type sdkws } from '@im/protocol';
import type { ConversationDeps } from './deps.ts';

/** Most ids that the message domain takes in one request. */
const MAX_POSITIONS = 10_000;
const MAX_LAST_MESSAGES = 500;
/** Most bytes of last messages in one answer. */
const LAST_MESSAGES_BYTES = 4 * 1_024 * 1_024;

/** A user's positions in their conversations; those without a record are left out. */
export async function positionsOf(
  { rpc }: Pick<ConversationDeps, 'rpc'>,
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
 * @param conversationIDs most important first: messages of those at the end are left out once those before take 4 MiB.
 */
export async function lastMessagesOf(
  { rpc }: Pick<ConversationDeps, 'rpc'>,
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
      found.set(id, decode('sdkws.MsgData', message));
      bytes += message.length;
    }
    // An answer without messages: the others have none either.
    if (Object.keys(msgs).length === 0) break;
    wanted = [...cut, ...wanted.slice(asked.length)];
  }
  return found;
}

/** Messages that the user has not read. */
export function unreadOf(position: msg.Seqs | undefined): number {
  return position ? Math.max(0, position.maxSeq - position.hasReadSeq) : 0;
}

/** A record and its owner's position. */
export interface PositionedRecord {
  readonly record: conversation.Conversation;
  readonly position: msg.Seqs;
}

/** Records with messages: pinned ones first, then by the time of the newest message, newest first. */
export function ranked(
  records: readonly conversation.Conversation[],
  positions: ReadonlyMap<string, msg.Seqs>,
): PositionedRecord[] {
  const positioned = records.flatMap((record) => {
    const position = positions.get(record.conversationID);
    return position && position.maxSeq > 0 ? [{ record, position }] : [];
  });
  return positioned.sort(
    (a, b) =>
      Number(b.record.isPinned) - Number(a.record.isPinned) ||
      b.position.maxSeqTime - a.position.maxSeqTime ||
      (a.record.conversationID < b.record.conversationID ? -1 : 1),
  );
}

/** The groups of these ids; unknown ones are left out. */
export async function groupsOf(
  { rpc }: Pick<ConversationDeps, 'rpc'>,
  ctx: CallContext,
  groupIDs: readonly string[],
): Promise<Map<string, sdkws.GroupInfo>> {
  if (groupIDs.length === 0) return new Map();
  const request = make('group.GetGroupsInfoReq', { groupIDs: [...new Set(groupIDs)] });
  const { groupInfos } = await rpc.client('group').getGroupsInfo(asSystem(ctx), request);
  return new Map(groupInfos.map((info) => [info.groupID, info]));
}
