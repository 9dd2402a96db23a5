import type { conversation, msg } from '@im/protocol';

/** A record and where its owner is in it. */
export interface Placed {
  readonly record: conversation.Conversation;
  readonly position: msg.Seqs;
}

/** Records that have messages, pinned ones first, then by the time of the newest message, newest first. */
export function ranked(
  records: readonly conversation.Conversation[],
  positions: ReadonlyMap<string, msg.Seqs>,
): Placed[] {
  const placed = records.flatMap((record) => {
    const position = positions.get(record.conversationID);
    return position && position.maxSeq > 0 ? [{ record, position }] : [];
  });
  return placed.sort(
    (a, b) =>
      Number(b.record.isPinned) - Number(a.record.isPinned) ||
      b.position.maxSeqTime - a.position.maxSeqTime ||
      (a.record.conversationID < b.record.conversationID ? -1 : 1),
  );
}
