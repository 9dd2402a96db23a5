import { LARGE_RECORD_BYTES } from '@im/bus';
import { KEY_SEPARATOR } from '@im/kit';
import type { ReadRecord } from './batch.ts';
import { changesMembership } from './effects.ts';

/** Large records of fewer bytes than this delay the others less than a separate write would. */
const WORTH_BYTES = 131_072;

/**
 * Splits a batch so that small messages need not wait for the rows of large ones: first the conversations without large
 * records, then those with. A conversation is in one part, in log order. One part when there is nothing to gain, or
 * when a record concerns more than its own conversations.
 */
export function withLargeLast(records: readonly ReadRecord[]): readonly (readonly ReadRecord[])[] {
  const large = records.filter(isLarge);
  if (large.length === 0 || large.length === records.length) return [records];
  const bytes = large.reduce((sum, { entry }) => sum + entry.record.length, 0);
  if (bytes < WORTH_BYTES || records.some(concernsOthers)) return [records];
  const conversations = new Set(large.flatMap(conversationsOf));
  const last = new Set(large);
  // A record may join conversations, of which another one may join more.
  for (let before = 0; before < last.size; ) {
    before = last.size;
    for (const read of records) {
      const own = conversationsOf(read);
      if (last.has(read) || !own.some((id) => conversations.has(id))) continue;
      last.add(read);
      for (const id of own) conversations.add(id);
    }
  }
  const first = records.filter((read) => !last.has(read));
  return first.length === 0 ? [records] : [first, records.filter((read) => last.has(read))];
}

function isLarge({ entry }: ReadRecord): boolean {
  return entry.record.length >= LARGE_RECORD_BYTES;
}

function concernsOthers({ record }: ReadRecord): boolean {
  return !!record.control || record.deletedRecords.length > 0 || changesMembership(record);
}

function conversationsOf({ tenant, record }: ReadRecord): string[] {
  return record.entries.map(({ conversationID }) => tenant + KEY_SEPARATOR + conversationID);
}
