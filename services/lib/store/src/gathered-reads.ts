import type { TenantId } from '@im/contract';
import {
  Batcher,
  beginStoreStep,
  currentCall,
  endWith,
  QueueFullError,
  sharedWork,
  unlessAborted,
} from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import { requireTimeLeft } from './bounded-collection.ts';
import type { CollectionSpec, TenantCollection, TenantDocument } from './collection.ts';
import { isUnavailable, storeError } from './errors.ts';
import type { Store } from './store.ts';

/** Most weight of one gathered read; a heavier query is read alone, at once. */
const MAX_WEIGHT = 1_000;
/** A query is heavy from here on: it would hold up those that it travels with. */
const HEAVY = 200;
/** A read under way for this long, ms, lets the next one begin. */
const SLOT_MS = 2;
/** While reads come together, one begins so many ms after the one before: a command costs the database more than a key. */
const PACE_MS = 5;
const MAX_WAITING = 20_000;

/** A query and its tenant's view of the collection. */
export interface PlacedQuery<T extends TenantDocument, Q> {
  readonly view: TenantCollection<T>;
  readonly query: Q;
}

export interface GatheredReadOptions<T extends TenantDocument, Q, R> {
  /** Low-cardinality name, the label of its metrics. */
  readonly name: string;
  readonly spec: CollectionSpec<T>;
  /** Documents that a query asks for, as far as it names them. @default 1 */
  readonly weightOf?: (query: Q) => number;
  /**
   * Reads the queries, all of one database, with as few commands as it can.
   * @returns one result per query, in order.
   */
  readonly read: (queries: readonly PlacedQuery<T, Q>[]) => Promise<readonly R[]>;
}

/**
 * Reads of several callers that travel together: what arrives in one tick of the event loop, or while a read
 * is under way, asks the database once. Every read begins after it was asked for, so that it sees
 * what was written before. A query that fails for another reason fails alone.
 */
export function gatheredReads<T extends TenantDocument, Q extends { readonly tenant: TenantId }, R>(
  store: Pick<Store, 'collection' | 'metrics'>,
  { name, spec, weightOf = () => 1, read }: GatheredReadOptions<T, Q, R>,
): (query: Q) => Promise<R> {
  const place = (query: Q): PlacedQuery<T, Q> => ({ view: store.collection(query.tenant, spec), query });

  async function alone(query: Q): Promise<R> {
    const [result] = await read([place(query)]);
    return result as R;
  }

  const title = `find ${spec.name}`;
  const attributes = {
    'db.system.name': 'mongodb',
    'db.operation.name': 'find',
    'db.collection.name': spec.name,
  };
  const batcher = new Batcher<Q, R>({
    name,
    metrics: store.metrics,
    maxBatch: MAX_WEIGHT,
    maxBytes: MAX_WEIGHT,
    sizeOf: weightOf,
    maxQueue: MAX_WAITING,
    slotMs: SLOT_MS,
    paceMs: PACE_MS,
    async run(queries, settle) {
      const databases = new Map<string, { readonly placed: PlacedQuery<T, Q>; readonly index: number }[]>();
      for (const [index, query] of queries.entries()) {
        try {
          const placed = place(query);
          const { dbName } = placed.view.col;
          const group = databases.get(dbName) ?? [];
          group.push({ placed, index });
          databases.set(dbName, group);
        } catch (error) {
          settle(index, asError(error));
        }
      }
      await Promise.all(
        [...databases.values()].map(async (group) => {
          try {
            const results = await sharedWork(() => read(group.map(({ placed }) => placed)));
            for (const [i, { index }] of group.entries()) settle(index, results[i] as R);
          } catch (error) {
            if (group.length === 1 || isUnavailable(error)) {
              for (const { index } of group) settle(index, asError(error));
              return;
            }
            await Promise.all(
              group.map(({ placed, index }) =>
                sharedWork(() => alone(placed.query)).then(
                  (result) => settle(index, result),
                  (failure: unknown) => settle(index, asError(failure)),
                ),
              ),
            );
          }
        }),
      );
      return undefined;
    },
  });

  return async (query) => {
    if (weightOf(query) > HEAVY) return alone(query);
    requireTimeLeft();
    try {
      const result = batcher.add(query);
      const step = beginStoreStep(title, attributes);
      if (step) endWith(step, result);
      // Each caller waits as long as its call has time, whatever becomes of the read.
      const signal = currentCall()?.signal;
      return await (signal ? unlessAborted(result, signal) : result);
    } catch (error) {
      if (!(error instanceof QueueFullError)) throw error;
      throw new ImError(ERR.NetworkError, 'too many reads wait for the database', undefined, {
        cause: error,
      });
    }
  };
}

function asError(error: unknown): Error {
  const failure = storeError(error);
  return failure instanceof Error ? failure : new Error(String(failure));
}

/** Queries by tenant, for filters that begin with the tenant. */
export function byTenant<T extends TenantDocument, Q extends { readonly tenant: TenantId }>(
  queries: readonly PlacedQuery<T, Q>[],
): { readonly view: TenantCollection<T>; readonly queries: readonly Q[] }[] {
  return [...Map.groupBy(queries, ({ view }) => view.tenant).values()].flatMap((group) => {
    const [first] = group;
    return first ? [{ view: first.view, queries: group.map(({ query }) => query) }] : [];
  });
}
