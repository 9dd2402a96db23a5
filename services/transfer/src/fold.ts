import type { log } from '@im/protocol';
import type { RecordDeletion } from '@im/store';
import type { Counted } from './counted.ts';
import type { DedupWindow } from './dedup-window.ts';

/** The sequence of a conversation, as far as the log was folded. Mutable: {@link fold} moves it forward. */
export interface Conversation {
  max: number;
  /** Position of the last record counted. */
  src: number;
  /** Log time of the highest seq, ms. */
  maxTime: number;
  /** Where an owner last deleted their record of it. */
  deleted?: RecordDeletion;
  /** What was counted before this consumer started, as far as its replay needs it; undefined when it needs nothing. */
  readonly counted: Counted | undefined;
}

/** A record at its place in the log. */
export interface PlacedRecord {
  readonly position: number;
  readonly timeMs: number;
  readonly record: log.Record;
}

/** What became of one entry of a record. */
export interface FoldedEntry {
  readonly entry: log.Entry;
  /** Its place in the record. */
  readonly index: number;
  /** 0 for what is only delivered. */
  readonly seq: number;
  /** Counted now; false when an earlier consumer had counted it already. */
  readonly fresh: boolean;
}

/** What became of a record; undefined for a duplicate, which leaves no trace. */
export type Folded = readonly FoldedEntry[] | undefined;

/**
 * Counts one record: the only place where a seq is made. A pure function of the log: it reads no clock,
 * cache or setting, so any two processes compute the same.
 * @param conversationOf the conversations of the record's entries; each must be known.
 * @throws LogChangedError when rows show that the log holds another record here than was counted.
 */
export function fold(
  { position, timeMs, record }: PlacedRecord,
  dedup: Pick<DedupWindow, 'seen'>,
  conversationOf: (id: string) => Conversation,
): Folded {
  if (dedup.seen(record.dedupKey, timeMs)) return undefined;
  return record.entries.map((entry, index) => {
    if (!entry.stored) return { entry, index, seq: 0, fresh: false };
    const conversation = conversationOf(entry.conversationID);
    const row = conversation.counted?.rowOf(position, timeMs, record.dedupKey);
    if (row !== undefined || position <= conversation.src) {
      return { entry, index, seq: row?.seq ?? 0, fresh: false };
    }
    conversation.max += 1;
    conversation.src = position;
    conversation.maxTime = timeMs;
    return { entry, index, seq: conversation.max, fresh: true };
  });
}

/** The position under which a record was counted: an earlier one than its own when it was in an earlier epoch. */
export function countedAt(
  { position, timeMs, record }: PlacedRecord,
  conversationOf: (id: string) => Conversation,
): number {
  for (const { stored, conversationID } of record.entries) {
    const row = stored
      ? conversationOf(conversationID).counted?.rowOf(position, timeMs, record.dedupKey)
      : undefined;
    if (row !== undefined) return row.position;
  }
  return position;
}

/** The highest seq that a conversation had when the record that was counted at `position` was. */
export function maxAt(conversation: Conversation, position: number): number {
  if (position >= conversation.src) return conversation.max;
  return conversation.max - (conversation.counted?.countAfter(position) ?? 0);
}
