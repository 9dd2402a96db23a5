import type { TenantId } from '@im/contract';
import { Binary, type Filter, type WithId } from 'mongodb';
import type { IndexSpec } from '../collection.ts';
import { guarded } from '../errors.ts';
import { insertNew } from '../optimistic-writes.ts';
import type { Store } from '../store.ts';

/** A record that transfer could not store, kept for operators. `_id` is its position and entry. */
interface DeadLetterDocument {
  _id: string;
  tenant: string;
  position: number;
  reason: string;
  record: Binary;
  at: Date;
  /** From here on absent in documents of earlier versions. */
  partition?: number;
  conversation?: string;
  sender?: string;
  contentType?: number;
  /** When a retry began whose end is not known. */
  retried?: Date;
}

/** The collection, of the cluster, with the index by which the letters of a tenant are counted and listed. */
export const DEAD_LETTERS: { readonly name: string; readonly indexes: readonly IndexSpec[] } = {
  name: 'dead_letter',
  indexes: [{ keys: { tenant: 1, position: -1, _id: -1 }, isOfCluster: true }],
};

/** What a record says of the message that was not stored. */
export interface DeadMessage {
  readonly conversationID: string;
  readonly sendID: string;
  readonly contentType: number;
}

/** A record that transfer could not store. */
export interface DeadLetter {
  readonly tenant: string;
  /** Position over all incarnations of the log. */
  readonly position: number;
  /** Which entry of the record; -1: all of it. */
  readonly entry: number;
  readonly reason: string;
  readonly record: Uint8Array;
  /** Undefined where an earlier version kept it. */
  readonly partition?: number | undefined;
  /** Undefined for a record that cannot be read, and where an earlier version kept it. */
  readonly message?: DeadMessage | undefined;
}

/** A dead letter as it is listed. */
export interface KeptDeadLetter extends Omit<DeadLetter, 'record' | 'tenant'> {
  readonly id: string;
  /** When it was kept. */
  readonly at: Date;
  /** When a retry began whose end is not known. */
  readonly retriedAt?: Date | undefined;
}

/** Records that could not be stored; of the whole cluster, since a damaged record may not tell its tenant. */
export interface DeadLetterRepo {
  /** Keeps it; keeping it again changes nothing. */
  add(letter: DeadLetter): Promise<void>;
  /** How many of a tenant there are; `most` for more. */
  countOf(tenant: TenantId, most: number): Promise<number>;
  /** Those of a tenant in the order of the log, the last ones first. @param before those before this one alone */
  list(
    tenant: TenantId,
    limit: number,
    before?: Pick<DeadLetter, 'position' | 'entry'>,
  ): Promise<KeptDeadLetter[]>;
  /** One of a tenant with its record. */
  get(tenant: TenantId, id: string): Promise<(KeptDeadLetter & Pick<DeadLetter, 'record'>) | undefined>;
  /** Notes that a retry begins. */
  beginRetry(tenant: TenantId, id: string, at: Date): Promise<void>;
  /** Removes it, when its record is in the log again. */
  remove(tenant: TenantId, id: string): Promise<void>;
}

const entryOf = (id: string) => Number(id.slice(id.indexOf(':') + 1));

/** The dead letters of a store. */
export function deadLetterRepo(store: Store): DeadLetterRepo {
  const letters = () => store.shared<DeadLetterDocument>(DEAD_LETTERS.name);
  const page = (filter: Filter<DeadLetterDocument>) =>
    letters()
      .find(filter, { projection: { record: 0 } })
      .sort({ position: -1, _id: -1 });
  return guarded<DeadLetterRepo>({
    async add({ tenant, position, entry, reason, record, partition, message }) {
      const _id = `${position}:${entry}`;
      await insertNew(letters(), {
        ...{ _id, tenant, position, reason, record: new Binary(record), at: new Date() },
        ...(partition !== undefined && { partition }),
        ...(message && {
          conversation: message.conversationID,
          sender: message.sendID,
          contentType: message.contentType,
        }),
      });
    },
    countOf: async (tenant, most) => letters().countDocuments({ tenant }, { limit: most }),
    async list(tenant, limit, before) {
      const found: WithId<Omit<DeadLetterDocument, 'record'>>[] = [];
      if (before) {
        const { position, entry } = before;
        // A record has few entries.
        const rest = await page({ tenant, position }).toArray();
        found.push(...rest.filter(({ _id }) => _id < `${position}:${entry}`).slice(0, limit));
      }
      const left = limit - found.length;
      if (left > 0) {
        const earlier = before ? { tenant, position: { $lt: before.position } } : { tenant };
        found.push(...(await page(earlier).limit(left).toArray()));
      }
      return found.map(kept);
    },
    async get(tenant, id) {
      const found = await letters().findOne({ _id: id, tenant });
      return found ? { ...kept(found), record: found.record.buffer } : undefined;
    },
    async beginRetry(tenant, id, at) {
      await letters().updateOne({ _id: id, tenant }, { $set: { retried: at } });
    },
    async remove(tenant, id) {
      await letters().deleteOne({ _id: id, tenant });
    },
  });
}

function kept(document: Omit<WithId<DeadLetterDocument>, 'record'>): KeptDeadLetter {
  const { _id: id, position, reason, at, partition, conversation, sender = '', contentType = 0 } = document;
  const message =
    conversation === undefined ? undefined : { conversationID: conversation, sendID: sender, contentType };
  return { id, position, entry: entryOf(id), reason, at, partition, message, retriedAt: document.retried };
}
