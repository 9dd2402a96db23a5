import { type Collection, type Document, type Filter, MongoBulkWriteError, type UpdateFilter } from 'mongodb';
import type { TenantDocument } from '../collection.ts';
import type { GroupCommitWriter } from '../group-commit.ts';

const DUPLICATE_KEY = 11_000;

/** One update of one document by `_id` and, perhaps, a guard. */
export interface GuardedUpsert<T extends TenantDocument> {
  readonly filter: Filter<T>;
  /** Operators, or a pipeline where no writer is given. */
  readonly update: UpdateFilter<T> | Document[];
}

/**
 * Applies each update to its document, making it when it is missing; a document whose guard does not
 * match stays as it is. MongoDB answers the upsert of such a document, and of one that another
 * writer is just making, with 11000: those are applied once more without upsert, which decides.
 * @param writer does them with one commit where that goes.
 */
export async function guardedUpserts<T extends TenantDocument>(
  col: Collection<T>,
  updates: readonly GuardedUpsert<T>[],
  writer?: GroupCommitWriter,
): Promise<void> {
  const place = { database: col.dbName, collection: col.collectionName };
  if (await writer?.write(updates.map((update) => ({ ...place, ...update })))) return;
  const losers = await attempt(col, updates, true);
  if (losers.length > 0) await attempt(col, losers, false);
}

async function attempt<T extends TenantDocument>(
  col: Collection<T>,
  updates: readonly GuardedUpsert<T>[],
  upsert: boolean,
): Promise<GuardedUpsert<T>[]> {
  if (updates.length === 0) return [];
  try {
    await col.bulkWrite(
      updates.map(({ filter, update }) => ({ updateOne: { filter, update, upsert } })),
      { ordered: false },
    );
    return [];
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError)) throw error;
    const failures = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
    if (failures.length === 0 || error.result.getWriteConcernError() !== undefined) throw error;
    return failures.map(({ index, code }) => {
      const loser = updates[index];
      if (code !== DUPLICATE_KEY || !loser) throw error;
      return loser;
    });
  }
}
