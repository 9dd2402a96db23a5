import type { LogEntry, OutgoingDelivery } from '@im/bus';
import { DEDUP_KEY_BYTES, decode, encode, type log, MSG_STATUS, make } from '@im/protocol';
import type { NewMsgRow } from '@im/store';
import { deliveriesOf, type Place } from './deliveries.ts';
import { Effects } from './effects.ts';
import type { FoldedEntry } from './fold.ts';

export interface ReadRecord extends Place {
  /** An earlier consumer had delivered it. */
  readonly delivered: boolean;
  /** It waited in the database: no earlier consumer can have delivered it. */
  readonly late?: boolean;
  readonly entry: LogEntry;
  readonly record: log.Record;
}

/** The record of a log entry. @throws Error when it cannot be decoded, or names another tenant than its subject. */
export function readRecord(
  entry: LogEntry,
  {
    position,
    fence,
    generation,
    delivered,
  }: Pick<ReadRecord, 'position' | 'fence' | 'generation' | 'delivered'>,
): ReadRecord {
  const record = decode('log.Record', entry.record);
  if (record.dedupKey.length !== DEDUP_KEY_BYTES) throw new Error('the record has no dedup key');
  if (record.tenant !== entry.tenant) throw new Error(`the record names tenant ${record.tenant}`);
  return {
    tenant: entry.tenant,
    partition: entry.partition,
    position,
    fence,
    timeMs: entry.timeMs,
    generation,
    delivered,
    entry,
    record,
  };
}

interface Outgoing {
  readonly read: ReadRecord;
  readonly folded: FoldedEntry;
}

/** A row, and the record that it comes from. */
export interface RowOf {
  readonly row: NewMsgRow;
  readonly read: ReadRecord;
  readonly folded: FoldedEntry;
}

/** What one batch of the log makes: rows, effects and deliveries, each in log order. */
export class Batch {
  readonly effects = new Effects();
  readonly rows: RowOf[] = [];
  readonly #outgoing: Outgoing[] = [];
  readonly #emptied = new Set<FoldedEntry>();

  /** Adds one entry that was counted or is only delivered. */
  add(read: ReadRecord, folded: FoldedEntry): void {
    const { record, tenant, position, timeMs } = read;
    const { entry, seq, fresh } = folded;
    if (fresh) {
      const row: NewMsgRow = {
        tenant,
        conversationID: entry.conversationID,
        seq,
        dedupKey: record.dedupKey,
        position,
        msgData: entry.msgData,
        sendID: record.sendID,
        recvID: record.recvID,
        contentType: record.contentType,
        sendTime: record.sendTime,
        logTime: timeMs,
      };
      this.rows.push({ row, read, folded });
    }
    // Counted before, but its row is gone by now (retention): there is nothing to deliver.
    if (!entry.stored || seq > 0) this.#outgoing.push({ read, folded });
  }

  /** Has an entry delivered without its content, which the database did not take: clients count every seq. */
  empty(folded: FoldedEntry): void {
    this.#emptied.add(folded);
  }

  /** The deliveries, in the order of the log. */
  deliveries(): OutgoingDelivery[] {
    return this.#outgoing.flatMap(({ read, folded }) => {
      const redelivered = !read.late && (folded.entry.stored ? !folded.fresh : read.delivered);
      const entry = this.#emptied.has(folded) ? withoutContent(folded.entry) : folded.entry;
      return deliveriesOf(read, read.record, entry, folded.index, folded.seq, redelivered);
    });
  }
}

function withoutContent({ conversationID, stored, userIDs, toGroup }: log.Entry): log.Entry {
  const msgData = encode('sdkws.MsgData', make('sdkws.MsgData', { status: MSG_STATUS.Deleted }));
  return make('log.Entry', { conversationID, stored, userIDs, toGroup, msgData });
}
