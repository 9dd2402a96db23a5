import { beginStoreStep, currentCall, endWith } from '@im/kit';
import type { Collection, Document, Filter, WithId } from 'mongodb';
import { requireTimeLeft } from './bounded-collection.ts';
import type { TenantDocument } from './collection.ts';
import { isInterrupted } from './errors.ts';

/** What a read asks for whose answer is one batch. */
export interface WholeFind<T extends Document> {
  readonly filter: Filter<T>;
  /** Most documents; where more match, it is any of them. */
  readonly limit: number;
  /** @default all fields */
  readonly projection?: Document | undefined;
}

/** One answer of the server. */
interface Answer<T> {
  readonly docs: WithId<T>[];
  /** False when there are more documents than fit into one answer. */
  readonly whole: boolean;
}

/** The parts of the answer to the command `find` that are read. */
interface FindAnswer<T> {
  readonly cursor: { readonly id: unknown; readonly firstBatch: WithId<T>[] };
}

/**
 * Documents that, all together, hardly ever exceed one answer: at primary and majority like every read, and bounded by the
 * time of the call. They are asked for by a plain command, which costs the process less than the driver's cursor. That
 * cursor takes over when they do exceed one answer, and when the connection breaks.
 */
export async function findWhole<T extends Document>(
  col: Collection<T>,
  find: WholeFind<T>,
): Promise<WithId<T>[]> {
  const { docs, whole } = await answerTo(col, find);
  return whole ? docs : withCursor(col, find);
}

/** The documents that exist among these ids and match, in no order; as {@link findWhole}, but nothing is read twice. */
export async function findByIds<T extends TenantDocument>(
  col: Collection<T>,
  ids: readonly string[],
  { filter, projection }: Partial<Pick<WholeFind<T>, 'filter' | 'projection'>> = {},
): Promise<WithId<T>[]> {
  const found: WithId<T>[] = [];
  for (let left = ids; left.length > 0; ) {
    const find = { filter: { _id: { $in: left }, ...filter } as Filter<T>, limit: left.length, projection };
    const { docs, whole } = await answerTo(col, find);
    found.push(...docs);
    if (whole) break;
    // Nothing came, but more is to come: the cursor waits for it.
    if (docs.length === 0) return [...found, ...(await withCursor(col, find))];
    const known = new Set(docs.map(({ _id }) => String(_id)));
    left = left.filter((id) => !known.has(id));
  }
  return found;
}

async function answerTo<T extends Document>(col: Collection<T>, find: WholeFind<T>): Promise<Answer<T>> {
  const answer = commanded(col, find);
  const span = beginStoreStep(`find ${col.collectionName}`, {
    'db.system.name': 'mongodb',
    'db.operation.name': 'find',
    'db.collection.name': col.collectionName,
  });
  if (span) endWith(span, answer);
  return (await answer) ?? { docs: await withCursor(col, find), whole: true };
}

/** @returns undefined when the connection broke. */
async function commanded<T extends Document>(
  col: Collection<T>,
  { filter, limit, projection }: WholeFind<T>,
): Promise<Answer<T> | undefined> {
  const call = currentCall();
  requireTimeLeft();
  const { readConcern } = col;
  const command: Document = {
    find: col.collectionName,
    filter,
    limit,
    // One more than the limit: with as many, a server leaves the cursor open.
    batchSize: limit + 1,
    ...(projection && { projection }),
    ...(readConcern && { readConcern: { level: readConcern.level } }),
    ...(call && { maxTimeMS: Math.ceil(call.leftMs()) }),
  };
  try {
    const { cursor } = (await col.db.command(command, call ? { signal: call.signal } : {})) as FindAnswer<T>;
    const whole = String(cursor.id) === '0';
    if (!whole) await endCursor(col, cursor.id);
    return { docs: cursor.firstBatch, whole };
  } catch (error) {
    if (isInterrupted(error)) return undefined;
    throw error;
  }
}

/** One that cannot be ended here ends by itself. */
async function endCursor<T extends Document>(col: Collection<T>, id: unknown): Promise<void> {
  await col.db.command({ killCursors: col.collectionName, cursors: [id] }).catch(() => undefined);
}

function withCursor<T extends Document>(
  col: Collection<T>,
  { filter, limit, projection }: WholeFind<T>,
): Promise<WithId<T>[]> {
  return col.find(filter, { limit, batchSize: limit, ...(projection && { projection }) }).toArray();
}
