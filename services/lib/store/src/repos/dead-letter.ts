import type { TenantId } from '@im/contract';
import { Binary } from 'mongodb';
import { guarded, isDuplicateKey } from '../errors.ts';
import type { Store } from '../store.ts';

/** A record that transfer could not store, kept for operators to look at. `_id` is its position and entry. */
interface DeadLetterDocument {
  _id: string;
  tenant: string;
  position: number;
  reason: string;
  record: Binary;
  at: Date;
}

/** A record that transfer could not store. */
export interface DeadLetter {
  readonly tenant: string;
  readonly position: number;
  /** Which entry of the record; -1: all of it. */
  readonly entry: number;
  readonly reason: string;
  readonly record: Uint8Array;
}

/** Records that could not be stored; of the whole cluster, since a damaged record may not tell its tenant. */
export interface DeadLetterRepo {
  /** Keeps it; keeping it again changes nothing. */
  add(letter: DeadLetter): Promise<void>;
  count(): Promise<number>;
  /** How many of a tenant there are; `most` for more. */
  countOf(tenant: TenantId, most: number): Promise<number>;
}

/** The dead letters of a store. */
export function deadLetterRepo(store: Store): DeadLetterRepo {
  return guarded<DeadLetterRepo>({
    async add({ tenant, position, entry, reason, record }) {
      const _id = `${position}:${entry}`;
      try {
        await store
          .shared<DeadLetterDocument>('dead_letter')
          .insertOne({ _id, tenant, position, reason, record: new Binary(record), at: new Date() });
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
    },
    countOf: async (tenant, most) => store.shared('dead_letter').countDocuments({ tenant }, { limit: most }),
    count: async () => store.shared('dead_letter').countDocuments({}),
  });
}
