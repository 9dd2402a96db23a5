import type { DeliveryFeed, Events, Unsubscribe } from '@im/bus';
import { type Background, background, type CallContext, type Logger, type TenantId } from '@im/kit';
import { argsError, encode, type event, make, REQ, type sdkws } from '@im/protocol';
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
  /** As last told to the connections; undefined until known. */
  platforms: string | undefined;
}

const watchKey = (tenant: string, userID: string): string => `${tenant}\u0000${userID}`;

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

  constructor(deps: PresenceWatchDeps) {
    this.#deps = deps;
  }

  /** Users watched. */
  get size(): number {
    return this.#watches.size;
  }

  /**
   * Ends and begins subscriptions of a connection.
   * @returns the current platforms of the users newly asked for, in their order.
   * @throws ImError 1001 when the connection watches too many.
   */
  async change(
    connection: Connection,
    ctx: CallContext,
    request: sdkws.SubUserOnlineStatus,
  ): Promise<sdkws.SubUserOnlineStatusTips> {
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
    const { users } = await this.#deps.users.getOnlinePlatforms(ctx, { userIDs });
    for (const { userID, onlinePlatformIDs } of users) {
      const watch = this.#watches.get(watchKey(ctx.tenant, userID));
      if (watch) watch.platforms ??= onlinePlatformIDs.join();
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
    const byTenant = Map.groupBy(this.#watches.values(), (watch) => watch.tenant);
    for (const [tenant, watches] of byTenant) {
      this.#deps.background.spawn('gateway presence catch-up', async () => {
        for (let i = 0; i < watches.length; i += CATCH_UP_BATCH) {
          const userIDs = watches.slice(i, i + CATCH_UP_BATCH).map((watch) => watch.userID);
          const { users } = await this.#deps.users.getOnlinePlatforms(background(tenant, ''), { userIDs });
          for (const { userID, onlinePlatformIDs } of users) this.#tell(tenant, userID, onlinePlatformIDs);
        }
      });
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
