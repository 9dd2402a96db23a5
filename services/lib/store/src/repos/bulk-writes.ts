import type { TenantId } from '@im/contract';
import {
  type AnyBulkWriteOperation,
  type Collection,
  type Document,
  type Filter,
  MongoBulkWriteError,
  type OptionalUnlessRequiredId,
  type UpdateFilter,
} from 'mongodb';
import type { CollectionSpec, TenantCollection, TenantDocument } from '../collection.ts';
import { DUPLICATE_KEY, failedWrites, isDuplicateKey } from '../errors.ts';
import type { GroupCommitWriter } from '../group-commit.ts';
import type { Store } from '../store.ts';

const BULK = 500;
const RETRIES = 5;

/** Items of one database, with each item's place in the whole list and its tenant's view of the collection. */
export interface DatabaseGroup<T extends TenantDocument, I> {
  readonly col: TenantCollection<T>['col'];
  readonly items: { readonly item: I; readonly index: number; readonly view: TenantCollection<T> }[];
}

/** Items of several tenants by the database they belong to, so that each database gets one bulk. */
export function byDatabase<T extends TenantDocument, I extends { readonly tenant: TenantId }>(
  store: Store,
  spec: CollectionSpec<T>,
  items: readonly I[],
): DatabaseGroup<T, I>[] {
  const groups = new Map<string, DatabaseGroup<T, I>>();
  for (const [index, item] of items.entries()) {
    const view = store.collection(item.tenant, spec);
    let group = groups.get(view.col.dbName);
    if (!group) {
      group = { col: view.col, items: [] };
      groups.set(view.col.dbName, group);
    }
    group.items.push({ item, index, view });
  }
  return [...groups.values()];
}

/** Runs upserts in bulk, in no order; those that lost a race for the same new document run again. */
export async function bulkUpsert<T extends Document>(
  col: Collection<T>,
  operations: readonly AnyBulkWriteOperation<T>[],
): Promise<BulkUpsertOutcome> {
  const insertedAt = new Set<number>();
  for (let begin = 0; begin < operations.length; begin += BULK) {
    let left = operations.slice(begin, begin + BULK).map((operation, i) => ({ operation, at: begin + i }));
    for (let attempt = 0; left.length > 0; attempt++) {
      try {
        const result = await col.bulkWrite(
          left.map(({ operation }) => operation),
          { ordered: false },
        );
        noteInserted(result.upsertedIds, left, insertedAt);
        break;
      } catch (error) {
        if (!(error instanceof MongoBulkWriteError) || !isDuplicateKey(error) || attempt >= RETRIES)
          throw error;
        noteInserted(error.result.upsertedIds, left, insertedAt);
        const failed = Array.isArray(error.writeErrors) ? error.writeErrors : [error.writeErrors];
        left = failed.flatMap(({ index }) => left[index] ?? []);
      }
    }
  }
  return { insertedAt };
}

/** What a bulk of upserts did. */
export interface BulkUpsertOutcome {
  /** Positions of the operations that made a new document. */
  readonly insertedAt: ReadonlySet<number>;
}

function noteInserted(
  upserted: Readonly<Record<number, unknown>>,
  sent: readonly { at: number }[],
  into: Set<number>,
): void {
  for (const index of Object.keys(upserted)) {
    const operation = sent[Number(index)];
    if (operation) into.add(operation.at);
  }
}

/** Inserts documents; those that exist already stay as they are. @throws when any of the others may be lost. */
export async function insertMissing<T extends Document>(
  col: Collection<T>,
  documents: readonly OptionalUnlessRequiredId<T>[],
): Promise<void> {
  if (documents.length === 0) return;
  try {
    await col.insertMany(documents, { ordered: false });
  } catch (error) {
    if (failedWrites(error).some(({ code }) => code !== DUPLICATE_KEY)) throw error;
  }
}

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
    return failedWrites(error).map(({ index, code }) => {
      const loser = updates[index];
      if (code !== DUPLICATE_KEY || !loser) throw error;
      return loser;
    });
  }
}
