import type { DeliveryFeed } from '@im/bus';
import type { TenantId } from '@im/contract';
import { ACCEPTED } from '../connect/connect-reply.ts';
import type { Accepted } from '../connect/handshake.ts';
import type { TenantLimits } from '../connect/tenant-limits.ts';
import type { CatchUps } from '../deliver/catch-up.ts';
import type { LocalUsers } from '../deliver/local-users.ts';
import type { SubscriptionLoader } from '../deliver/subscription-loader.ts';
import type { PresenceReporter } from '../presence/presence-reporter.ts';
import type { PresenceWatch } from '../presence/presence-watch.ts';
import type { InputRate } from '../requests/request-limits.ts';
import type { Requests } from '../requests/requests.ts';
import { framingIndex } from '../wire/frame.ts';
import { answerText, UnknownTextError } from '../wire/text-frame.ts';
import type { ClientEvents } from './client-socket.ts';
import { Connection, type ConnectionDeps } from './connection.ts';
import type { Kicks } from './kicks.ts';
import type { TenantConnections } from './tenant-connections.ts';
import type { TenantTraffic } from './tenant-traffic.ts';

export interface SessionsDeps extends ConnectionDeps {
  readonly localUsers: LocalUsers;
  readonly tenantLimits: TenantLimits;
  readonly tenantConnections: TenantConnections;
  readonly traffic: Pick<TenantTraffic, 'loggedIn'>;
  readonly subscriptionLoader: SubscriptionLoader;
  readonly kicks: Kicks;
  readonly presence: PresenceReporter;
  readonly watch: PresenceWatch;
  readonly requests: Requests;
  readonly catchUps: Pick<CatchUps, 'begin'>;
  readonly inputRate: Pick<InputRate, 'charge'>;
  readonly feed: Pick<DeliveryFeed, 'generation'>;
  /** Most connections of one user here. */
  readonly maxPerUser: () => number;
}

/** The beginning, the input and the end of every connection. */
export class Sessions implements ClientEvents {
  readonly #deps: SessionsDeps;
  readonly #connections: Set<Connection>;
  #empty: PromiseWithResolvers<void> | undefined;
  #moved = 0;

  /** @param connections filled and emptied here, read by others. */
  constructor(connections: Set<Connection>, deps: SessionsDeps) {
    this.#connections = connections;
    this.#deps = deps;
  }

  /** Connections that have ended because their clients are to go to another gateway. */
  get moved(): number {
    return this.#moved;
  }

  /** Makes a connection of a client that has just passed the handshake. */
  open({ tenant, args, webSocket, socket, address, handshakeMs }: Accepted): void {
    const { localUsers, subscriptionLoader, kicks, presence, catchUps, metrics } = this.#deps;
    const { tenantLimits, tenantConnections, traffic } = this.#deps;
    const { user, isNew } = localUsers.enter(tenant, args.userID);
    const { platformID, token } = args;
    const framing = framingIndex(args.framing);
    const run = this.#deps.feed.generation();
    const init = { webSocket, socket, user, platformID, framing, token, run, handshakeMs, address };
    const connection = new Connection(init, this.#deps);
    catchUps.begin(connection);
    this.#connections.add(connection);
    user.connections.push(connection);
    tenantLimits.opened(tenant);
    tenantConnections.opened(connection);
    traffic.loggedIn(tenant);
    metrics.opened(platformID, framing);
    webSocket.attach(connection, this);
    if (args.wantsReply) {
      connection.sendText(ACCEPTED, 'connect');
      connection.flush();
    }
    if (isNew) subscriptionLoader.begin(user);
    kicks.register(connection);
    presence.changed(user);
    this.#makeRoom(connection);
  }

  received(connection: Connection, data: Buffer, isBinary: boolean): void {
    const { metrics, requests, inputRate } = this.#deps;
    connection.lastSeen = performance.now();
    inputRate.charge(connection, 1, connection.lastSeen);
    metrics.received(isBinary ? 'request' : 'text', data.length);
    if (isBinary) {
      requests.accept(connection, data);
      return;
    }
    try {
      const answer = answerText(data.toString('utf8'));
      if (answer) connection.sendText(answer.pong, 'pong');
    } catch (error) {
      if (!(error instanceof UnknownTextError)) throw error;
      connection.close('text');
    }
  }

  heartbeat(connection: Connection, kind: 'ping' | 'pong', bytes: number): void {
    connection.lastSeen = performance.now();
    this.#deps.inputRate.charge(connection, 1, connection.lastSeen);
    this.#deps.metrics.received(kind, bytes);
  }

  closed(connection: Connection): void {
    connection.ended('client');
    if (!this.#connections.delete(connection)) return;
    const { localUsers, presence, watch, tenantLimits, tenantConnections, metrics } = this.#deps;
    const { user, platformID, framing } = connection;
    user.connections.splice(user.connections.indexOf(connection), 1);
    watch.forget(connection);
    if (user.connections.length === 0) localUsers.remove(user);
    presence.changed(user);
    tenantLimits.closed(user.tenant);
    tenantConnections.closed(connection);
    const { closeReason = 'client' } = connection;
    if (closeReason === 'drain' || closeReason === 'rebalance') this.#moved += 1;
    metrics.closed(platformID, framing, closeReason);
    if (this.#connections.size === 0) this.#empty?.resolve();
  }

  /** Closes the connections of a tenant that is suspended or gone. */
  closeTenant(tenant: TenantId): void {
    for (const connection of this.#deps.tenantConnections.of(tenant)) connection.close('tenant');
  }

  /** Cuts all connections. */
  destroyAll(): void {
    for (const connection of this.#connections) connection.destroy('drain');
  }

  /**
   * A user with more connections than allowed loses one: of those in the background the oldest, else the
   * oldest of all. It is kicked as by another login, because a client that was only closed would be back
   * at once and cost the next one its place.
   */
  #makeRoom(newest: Connection): void {
    const { user } = newest;
    const most = this.#deps.maxPerUser();
    if (user.connections.length <= most) return;
    const open = user.connections.filter((connection) => connection.open);
    if (open.length <= most) return;
    const older = open.filter((connection) => connection !== newest);
    const victim = older.find((connection) => connection.inBackground) ?? older[0];
    if (victim) this.#deps.kicks.kick(victim, 'user-limit');
  }

  /** Resolves when there is no connection. */
  async whenEmpty(): Promise<void> {
    if (this.#connections.size === 0) return;
    this.#empty ??= Promise.withResolvers<void>();
    await this.#empty.promise;
  }
}
