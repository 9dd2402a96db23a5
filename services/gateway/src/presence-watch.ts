import type { DeliveryFeed, Events, Unsubscribe } from '@im/bus';
import { type Background, Backoff, background, type CallContext, type Logger, type TenantId } from '@im/kit';
import { argsError, ERR, encode, type event, ImError, make, REQ, type sdkws } from '@im/protocol';
import type { DomainService } from '@im/rpc';
import type { Connection } from './connection.ts';
import { SharedFrame } from './shared-frame.ts';

/** Parts of {@link PresenceWatch}. */
export interface PresenceWatchDeps {
  readonly events: Pick<Events, 'subscribePresence'>;
  readonly feed: Pick<DeliveryFeed, 'barrier'>;
  readonly users: Pick<DomainService<'user'>, 'getOnlinePlatforms'>;
  readonly background: Background;
  readonly log: Logger;
}

/** Users that one connection may watch. */
const MAX_WATCHED = 5_000;
/** Users asked for in one call after an outage. */
const CATCH_UP_BATCH = 500;

/** A user whose presence some connections here want to hear of. */
interface Watch {
  readonly tenant: TenantId;
  readonly userID: string;
  readonly connections: Set<Connection>;
  unsubscribe: Unsubscribe;
  /** Of the latest change heard of. */
  version: number;
  /** Changes heard of so far. */
  heard: number;
  /** As last told to the connections; undefined until known. */
  platforms: string | undefined;
}

const watchKey = (tenant: string, userID: string): string => `${tenant}\u0000${userID}`;

function parsePlatforms(joined: string): number[] {
  return joined === '' ? [] : joined.split(',').map(Number);
}

function presenceFrame(userID: string, platformIDs: number[]): SharedFrame {
  return new SharedFrame(() => {
    const subscribers = [make('sdkws.SubUserOnlineStatusElem', { userID, onlinePlatformIDs: platformIDs })];
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

  readonly #catchUp: () => void;

  constructor(deps: PresenceWatchDeps) {
    this.#deps = deps;
    this.#catchUp = deps.background.coalesce('gateway presence catch-up', (signal) =>
      this.#readAgain(signal),
    );
  }

  /** Users watched. */
  get size(): number {
    return this.#watches.size;
  }

  /**
   * Ends and begins subscriptions of a connection.
   * @returns the current platforms of the users newly asked for, in their order.
   * A change heard of meanwhile counts more than what the store said before it.
   * @throws ImError 1001 when the connection watches too many, 90004 when it is closed.
   */
  async change(
    connection: Connection,
    ctx: CallContext,
    request: sdkws.SubUserOnlineStatus,
  ): Promise<sdkws.SubUserOnlineStatusTips> {
    // A connection that is gone was forgotten already: what it watched from now on would stay for good.
    if (!connection.open) throw new ImError(ERR.NetworkError, 'the connection is closed');
    for (const userID of request.unsubscribeUserID) this.#remove(connection, userID);
    const userIDs = request.subscribeUserID;
    if (userIDs.length === 0) return make('sdkws.SubUserOnlineStatusTips');
    if ((connection.watched?.size ?? 0) + userIDs.length > MAX_WATCHED) {
      throw argsError(`subscribeUserID: more than ${MAX_WATCHED} subscriptions of one connection`);
    }
    let added = false;
    for (const userID of userIDs) if (this.#add(connection, userID)) added = true;
    // Read only what was published before the subscription: a change in between is heard of.
    if (added) await this.#deps.feed.barrier();
    const before = userIDs.map((userID) => this.#watches.get(watchKey(ctx.tenant, userID))?.heard ?? 0);
    const { users } = await this.#deps.users.getOnlinePlatforms(ctx, { userIDs });
    for (const [i, user] of users.entries()) {
      const watch = this.#watches.get(watchKey(ctx.tenant, user.userID));
      if (!watch) continue;
      // Should what was heard be the older of the two, the newer is heard in a moment.
      if (watch.heard !== before[i] && watch.platforms !== undefined) {
        user.onlinePlatformIDs = parsePlatforms(watch.platforms);
      }
      watch.platforms ??= user.onlinePlatformIDs.join();
    }
    return make('sdkws.SubUserOnlineStatusTips', { subscribers: users });
  }

  /** Ends all subscriptions of a connection that is gone. */
  forget(connection: Connection): void {
    for (const userID of connection.watched ?? []) this.#remove(connection, userID);
    connection.watched = undefined;
  }

  /** Changes may have been missed: reads all watched users again and tells what differs. */
  catchUp(): void {
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
      const before = batch.map(({ heard }) => heard);
      const userIDs = batch.map(({ userID }) => userID);
      const { users } = await this.#deps.users.getOnlinePlatforms(background(tenant, ''), { userIDs });
      for (const [n, { userID, onlinePlatformIDs }] of users.entries()) {
        // A change heard of meanwhile is newer, or is followed by one that is.
        if (batch[n]?.heard === before[n]) this.#tell(tenant, userID, onlinePlatformIDs);
      }
    }
  }

  #add(connection: Connection, userID: string): boolean {
    const { tenant } = connection.user;
    const key = watchKey(tenant, userID);
    let watch = this.#watches.get(key);
    const isNew = watch === undefined;
    if (watch === undefined) {
      watch = {
        tenant,
        userID,
        connections: new Set(),
        unsubscribe: this.#deps.events.subscribePresence(tenant, userID, (presence) => this.#heard(presence)),
        version: 0,
        heard: 0,
        platforms: undefined,
      };
      this.#watches.set(key, watch);
    }
    watch.connections.add(connection);
    connection.watched ??= new Set();
    connection.watched.add(userID);
    return isNew;
  }

  #remove(connection: Connection, userID: string): void {
    if (!connection.watched?.delete(userID)) return;
    const key = watchKey(connection.user.tenant, userID);
    const watch = this.#watches.get(key);
    if (!watch) return;
    watch.connections.delete(connection);
    if (watch.connections.size > 0) return;
    watch.unsubscribe();
    this.#watches.delete(key);
  }

  #heard({ tenant, userID, platformIDs, version }: event.Presence): void {
    const watch = this.#watches.get(watchKey(tenant, userID));
    if (!watch || (version !== 0 && version <= watch.version)) return;
    watch.version = version;
    watch.heard++;
    this.#tell(watch.tenant, userID, platformIDs);
  }

  #tell(tenant: TenantId, userID: string, platformIDs: number[]): void {
    const watch = this.#watches.get(watchKey(tenant, userID));
    const platforms = platformIDs.join();
    if (!watch || watch.platforms === platforms) return;
    watch.platforms = platforms;
    const frame = presenceFrame(userID, platformIDs);
    for (const connection of watch.connections) connection.send(frame.for(connection.framing), 'presence');
  }
}
