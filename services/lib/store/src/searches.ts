import type { TenantId } from '@im/contract';
import type { Metrics } from '@im/kit';
import { ERR, ImError } from '@im/protocol';
import type { MongoClient } from 'mongodb';
import { isOverTime } from './errors.ts';
import { createMongoClient, type MongoAddress, type SentCommand } from './mongo.ts';

/** Searches of a process at once; each has one connection of a separate pool. */
const AT_ONCE = 4;
/** Searches of one tenant at once. */
const PER_TENANT = 2;
/** Searches of one tenant that wait; one more is refused. */
const WAITING = 20;

/** Where searches run: what reads much and may be asked by any user, next to everything else. */
export interface Searches {
  /**
   * Runs a search when it is its turn: few at once, fewer of one tenant, on connections that nothing else
   * uses, so that no other work waits for one.
   * @throws ImError 429 when too many of the tenant wait, 90002 when it took longer than it may.
   */
  run<T>(tenant: TenantId, work: (client: MongoClient) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Settings of {@link createSearches}. */
export interface SearchesDeps {
  readonly metrics: Metrics;
  readonly onCommand?: (command: SentCommand) => void;
}

/** Nothing is connected before the first search. */
export function createSearches(address: MongoAddress, { metrics, onCommand }: SearchesDeps): Searches {
  const refused = metrics.counter(
    'openim_store_searches_refused_total',
    'Searches refused because too many wait',
  );
  const running = new Map<TenantId, number>();
  /** Those who wait, by tenant; the tenant that was served last is last. */
  const waiting = new Map<TenantId, (() => void)[]>();
  let total = 0;
  metrics.observe('openim_store_searches_running', 'Searches that run', () => total);
  metrics.observe('openim_store_searches_waiting', 'Searches that wait for their turn', () => {
    let count = 0;
    for (const queue of waiting.values()) count += queue.length;
    return count;
  });
  let client: MongoClient | undefined;
  let connecting: Promise<MongoClient> | undefined;

  function connected(): Promise<MongoClient> {
    client ??= createMongoClient(address, AT_ONCE, onCommand);
    connecting ??= client.connect().catch((error: unknown) => {
      connecting = undefined;
      throw error;
    });
    return connecting;
  }

  const free = (tenant: TenantId) => total < AT_ONCE && (running.get(tenant) ?? 0) < PER_TENANT;

  function begin(tenant: TenantId): void {
    total++;
    running.set(tenant, (running.get(tenant) ?? 0) + 1);
  }

  function end(tenant: TenantId): void {
    total--;
    const left = (running.get(tenant) ?? 1) - 1;
    if (left > 0) running.set(tenant, left);
    else running.delete(tenant);
    for (const [next, queue] of waiting) {
      if (!free(next)) continue;
      waiting.delete(next);
      const wake = queue.shift();
      if (queue.length > 0) waiting.set(next, queue);
      begin(next);
      wake?.();
      return;
    }
  }

  async function turn(tenant: TenantId): Promise<void> {
    if (free(tenant)) {
      begin(tenant);
      return;
    }
    const queue = waiting.get(tenant) ?? [];
    if (queue.length >= WAITING) {
      refused.inc();
      throw new ImError(
        ERR.TooManyRequests,
        `${WAITING} searches of the tenant wait for their turn here: search again later`,
      );
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    queue.push(resolve);
    waiting.set(tenant, queue);
    await promise;
  }

  return {
    async run(tenant, work) {
      await turn(tenant);
      try {
        return await work(await connected());
      } catch (error) {
        if (!isOverTime(error)) throw error;
        const detail = 'the search took longer than it may: narrow it';
        throw new ImError(ERR.DatabaseError, detail, undefined, { cause: error });
      } finally {
        end(tenant);
      }
    },
    async close() {
      await client?.close();
    },
  };
}
