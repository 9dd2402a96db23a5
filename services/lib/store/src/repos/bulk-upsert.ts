import { type AnyBulkWriteOperation, type Collection, type Document, MongoBulkWriteError } from 'mongodb';
import { isDuplicateKey } from '../errors.ts';

const BULK = 500;
const RETRIES = 5;

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
