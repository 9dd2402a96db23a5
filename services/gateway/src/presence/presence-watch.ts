import type { DeliveryFeed, Events } from '@im/bus';
import type { TenantId } from '@im/contract';
import { Backoff, type CallContext, KEY_SEPARATOR, KeyedBuckets, systemContext } from '@im/kit';
import type { Logger, TaskRunner } from '@im/process';
import {
  answerBytes,
  argsError,
  ERR,
  encode,
  type event,
  ImError,
  make,
  REQ,
  type sdkws,
} from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { Connection } from '../connection/connection.ts';
import { Turns } from '../requests/turns.ts';
import { framingAt, SharedFrame } from '../wire/frame.ts';
import type { Watch } from './watched-user.ts';

export interface PresenceWatchDeps {
  readonly events: Pick<Events, 'subscribePresence'>;
  readonly feed: Pick<DeliveryFeed, 'barrier'>;
  readonly users: Pick<DomainService<'user'>, 'getOnlinePlatforms'>;
  readonly tasks: TaskRunner;
  readonly log: Logger;
}

/** Users that one connection may watch. */
const MAX_WATCHED = 5_000;
/**
 * Subscriptions that a user may begin, over all connections: as many at once as two connections can hold. Those that
 * connections here have, or had within the last seconds, count a tenth: they cost no more than looking them up.
 */
const NEW_WATCHES = { ratePerSecond: 200, burst: 12_000 };
const KNOWN_WATCH_COST = 0.1;
/** Users whose rate is remembered. */
const MAX_RATES = 20_000;
/** A subscription that no connection needs any more is kept for this long: clients that lost theirs come back. */
const LINGER_MS = 30_000;
const LINGER_POLL_MS = 5_000;
/** Most subscriptions kept so. */
const MAX_LINGERING = 20_000;
/** Users asked for in one call after an outage. */
const CATCH_UP_BATCH = 500;
/** Users asked for in one call of a client. */
const READ_BATCH = 1_000;
/** Subscriptions of all connections that one iteration of the event loop changes: some 1 ms of work. */
const CHANGES_PER_ITERATION = 500;

const watchKey = (tenant: string, userID: string): string => `${tenant}${KEY_SEPARATOR}${userID}`;

function requireOpen(connection: Connection): void {
  if (!connection.open) throw new ImError(ERR.NetworkError, 'the connection is closed');
}

function parsePlatforms(joined: string): number[] {
  return joined === '' ? [] : joined.split(',').map(Number);
}

/** Most bytes of an entry besides its user's id: the platforms, of which there are few, and lengths. */
const ENTRY_BYTES = 64;

/** The same entries in parts, each of which fits into a frame with so many bytes of data. */
function inFrames(
  subscribers: readonly sdkws.SubUserOnlineStatusElem[],
  bytes: number,
): sdkws.SubUserOnlineStatusElem[][] {
  const parts: sdkws.SubUserOnlineStatusElem[][] = [];
  let left = 0;
  for (const entry of subscribers) {
    const size = Buffer.byteLength(entry.userID) + ENTRY_BYTES;
    if (size > left) {
      parts.push([]);
      left = bytes;
    }
    left -= size;
    parts.at(-1)?.push(entry);
  }
  return parts;
}

function presenceFrame(subscribers: sdkws.SubUserOnlineStatusElem[]): SharedFrame {
  return new SharedFrame(() => {
    return {
      reqIdentifier: REQ.SubUserOnlineStatus,
      msgIncr: '',
      operationID: '',
      errCode: 0,
      errMsg: '',
      data: encode('sdkws.SubUserOnlineStatusTips', make('sdkws.SubUserOnlineStatusTips', { subscribers })),
    };
  });
}

/** Subscriptions of connections to the online status of users (request 2005). */
export class PresenceWatch {
  readonly #deps: PresenceWatchDeps;
  readonly #watches = new Map<string, Watch>();
  /** Watches without connections, in the order in which they were left. */
  readonly #lingering = new Map<string, Watch>();
  readonly #rates = new KeyedBuckets({ max: MAX_RATES });
  readonly #turns = new Turns(CHANGES_PER_ITERATION);
  readonly #catchUp: () => void;

  constructor(deps: PresenceWatchDeps) {
    this.#deps = deps;
    this.#catchUp = deps.tasks.coalesce('gateway presence catch-up', (signal) => this.#readAgain(signal));
  }

  /** From now on ends subscriptions that no connection has needed for a while. */
  start(): void {
    this.#deps.tasks.every('gateway presence linger', LINGER_POLL_MS, async () => {
      this.#release(performance.now() - LINGER_MS, MAX_LINGERING);
    });
  }

  /** Users watched. */
  get size(): number {
    return this.#watches.size - this.#lingering.size;
  }

  /** Connections whose subscriptions wait for their turn to change; each has one request under way at most. */
  get waiting(): number {
    return this.#turns.waiting;
  }

  /**
   * Ends and begins subscriptions of a connection.
   * @returns the current platforms of the users newly asked for, in their order: as received, where they are watched
   * already, else as the store says. A change received meanwhile counts more than what the store said before it.
   * @throws ImError 1001 when the connection watches too many, 90004 when it is closed, 429 (retryable) when its user
   * began too many lately.
   */
  async change(
    connection: Connection,
    ctx: CallContext,
    request: sdkws.SubUserOnlineStatus,
  ): Promise<sdkws.SubUserOnlineStatusTips> {
    // A connection that is gone was forgotten already: what it watched from now on would stay for good. Its end is
    // looked for at every turn, so that one that closes at once costs next to nothing.
    requireOpen(connection);
    const ended = request.unsubscribeUserID;
    await this.#turns.each(ended.length, (from, to) => {
      for (let i = from; i < to; i++) this.#remove(connection, ended[i] ?? '');
      return connection.open;
    });
    requireOpen(connection);
    const userIDs = request.subscribeUserID;
    if (userIDs.length === 0) return make('sdkws.SubUserOnlineStatusTips');
    if ((connection.watched?.size ?? 0) + userIDs.length > MAX_WATCHED) {
      throw argsError(`subscribeUserID: more than ${MAX_WATCHED} subscriptions of one connection`);
    }
    await this.#admit(connection, userIDs);
    const watches: Watch[] = [];
    await this.#turns.each(userIDs.length, (from, to) => {
      if (!connection.open) return false;
      for (let i = from; i < to; i++) watches.push(this.#add(connection, userIDs[i] ?? ''));
      return true;
    });
    requireOpen(connection);
    const unknown = watches.filter(({ platforms }) => platforms === undefined);
    if (unknown.length > 0) await this.#read(connection, ctx, unknown);
    await this.#turns.take(Math.min(watches.length, this.#turns.portion));
    requireOpen(connection);
    const subscribers = watches.map(({ userID, platforms = '' }) =>
      make('sdkws.SubUserOnlineStatusElem', { userID, onlinePlatformIDs: parsePlatforms(platforms) }),
    );
    const [first = [], ...rest] = inFrames(subscribers, answerBytes(framingAt(connection.framing)));
    // What does not fit into the answer is sent as changes are: clients take both alike.
    for (const part of rest) connection.send(presenceFrame(part).for(connection.framing), 'presence');
    return make('sdkws.SubUserOnlineStatusTips', { subscribers: first });
  }

  /** Takes new subscriptions of the user's budget. @throws ImError 429 when it is used up, 90004 as {@link change}. */
  async #admit(connection: Connection, userIDs: readonly string[]): Promise<void> {
    const { tenant, userID } = connection.user;
    let added = 0;
    await this.#turns.each(userIDs.length, (from, to) => {
      for (let i = from; i < to; i++) if (!this.#watches.has(watchKey(tenant, userIDs[i] ?? ''))) added++;
      return connection.open;
    });
    requireOpen(connection);
    const cost = added + KNOWN_WATCH_COST * userIDs.length;
    if (this.#rates.take(watchKey(tenant, userID), NEW_WATCHES, cost)) return;
    throw new ImError(
      ERR.TooManyRequests,
      `subscribeUserID: more than ${NEW_WATCHES.ratePerSecond} new subscriptions per second, ${NEW_WATCHES.burst} at once`,
    );
  }

  /** Learns the platforms of users whose watches are new. */
  async #read(connection: Connection, ctx: CallContext, watches: readonly Watch[]): Promise<void> {
    // Read only what was published before the subscription: a change in between arrives.
    await this.#deps.feed.barrier();
    for (let from = 0; from < watches.length; from += READ_BATCH) {
      requireOpen(connection);
      const batch = watches.slice(from, from + READ_BATCH);
      const before = batch.map(({ changes }) => changes);
      const userIDs = batch.map(({ userID }) => userID);
      const { users } = await this.#deps.users.getOnlinePlatforms(ctx, { userIDs });
      for (const [i, { onlinePlatformIDs }] of users.entries()) {
        const watch = batch[i];
        // Should what was received be the older of the two, the newer arrives in a moment.
        if (!watch || (watch.changes !== before[i] && watch.platforms !== undefined)) continue;
        watch.platforms ??= onlinePlatformIDs.join();
      }
    }
  }

  /** Ends all subscriptions of a connection that is gone. */
  forget(connection: Connection): void {
    const { watched } = connection;
    connection.watched = undefined;
    for (const watch of watched?.values() ?? []) this.#leave(connection, watch);
  }

  /** Changes may have been missed: reads all watched users again and publishes what differs. */
  catchUp(): void {
    this.#release(Number.POSITIVE_INFINITY, 0);
    this.#catchUp();
  }

  /** One tenant after the other; one that cannot be read holds up none behind it, and is tried again. */
  async #readAgain(signal: AbortSignal): Promise<void> {
    const left = Map.groupBy(this.#watches.values(), (watch) => watch.tenant);
    const backoff = new Backoff({ baseMs: 200, maxMs: 5_000 });
    while (left.size > 0 && !signal.aborted) {
      for (const [tenant, watches] of left) {
        try {
          await this.#readTenant(tenant, watches);
          left.delete(tenant);
        } catch (error) {
          this.#deps.log.warn({ tenant, err: error }, 'presence not read again yet');
        }
      }
      if (left.size > 0) await backoff.wait(signal);
    }
  }

  async #readTenant(tenant: TenantId, watches: readonly Watch[]): Promise<void> {
    for (let i = 0; i < watches.length; i += CATCH_UP_BATCH) {
      const batch = watches.slice(i, i + CATCH_UP_BATCH);
      const before = batch.map(({ changes }) => changes);
      const userIDs = batch.map(({ userID }) => userID);
      const { users } = await this.#deps.users.getOnlinePlatforms(systemContext(tenant, ''), { userIDs });
      for (const [n, { userID, onlinePlatformIDs }] of users.entries()) {
        // A change received meanwhile is newer, or is followed by one that is.
        if (batch[n]?.changes === before[n]) this.#publish(tenant, userID, onlinePlatformIDs);
      }
    }
  }

  #add(connection: Connection, userID: string): Watch {
    const { tenant } = connection.user;
    const key = watchKey(tenant, userID);
    let watch = this.#watches.get(key);
    if (watch === undefined) {
      watch = {
        key,
        tenant,
        userID,
        connections: new Set(),
        unsubscribe: this.#deps.events.subscribePresence(tenant, userID, (presence) =>
          this.#onChange(presence),
        ),
        version: 0,
        changes: 0,
        platforms: undefined,
        leftAt: 0,
      };
      this.#watches.set(key, watch);
    } else if (watch.connections.size === 0) {
      this.#lingering.delete(key);
    }
    watch.connections.add(connection);
    connection.watched ??= new Map();
    connection.watched.set(userID, watch);
    return watch;
  }

  #remove(connection: Connection, userID: string): void {
    const watch = connection.watched?.get(userID);
    if (!watch) return;
    connection.watched?.delete(userID);
    this.#leave(connection, watch);
  }

  #leave(connection: Connection, watch: Watch): void {
    watch.connections.delete(connection);
    if (watch.connections.size > 0) return;
    watch.leftAt = performance.now();
    this.#lingering.set(watch.key, watch);
    if (this.#lingering.size > MAX_LINGERING) this.#release(0, MAX_LINGERING);
  }

  /** Ends watches that were left before `since`, and those that were left first while there are more than `max`. */
  #release(since: number, max: number): void {
    for (const [key, watch] of this.#lingering) {
      if (this.#lingering.size <= max && watch.leftAt > since) return;
      this.#lingering.delete(key);
      this.#watches.delete(key);
      watch.unsubscribe();
    }
  }

  #onChange({ tenant, userID, platformIDs, version }: event.Presence): void {
    const watch = this.#watches.get(watchKey(tenant, userID));
    if (!watch || (version !== 0 && version <= watch.version)) return;
    watch.version = version;
    watch.changes++;
    this.#publish(watch.tenant, userID, platformIDs);
  }

  #publish(tenant: TenantId, userID: string, platformIDs: number[]): void {
    const watch = this.#watches.get(watchKey(tenant, userID));
    const platforms = platformIDs.join();
    if (!watch || watch.platforms === platforms) return;
    watch.platforms = platforms;
    const frame = presenceFrame([
      make('sdkws.SubUserOnlineStatusElem', { userID, onlinePlatformIDs: platformIDs }),
    ]);
    for (const connection of watch.connections) connection.send(frame.for(connection.framing), 'presence');
  }
}
