import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Bus, DeliveryFeed, Unsubscribe } from '@im/bus';
import type { ServerConfig } from '@im/contract';
import type { Metrics } from '@im/kit';
import {
  type BaseDeps,
  type LiveDeps,
  type Logger,
  notReady,
  READY,
  type Readiness,
  type Service,
} from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import { refuseRequest } from './connect/connect-reply.ts';
import { Handshakes } from './connect/handshake.ts';
import { TenantLimits } from './connect/tenant-limits.ts';
import type { Connection } from './connection/connection.ts';
import { Kicks } from './connection/kicks.ts';
import { TickFlusher } from './connection/outbox.ts';
import { Sessions } from './connection/sessions.ts';
import { Sweep } from './connection/sweep.ts';
import { CatchUps } from './deliver/catch-up.ts';
import { Deliverer } from './deliver/deliverer.ts';
import { LocalUsers } from './deliver/local-users.ts';
import { OwnPushes } from './deliver/own-push.ts';
import { SubscriptionLoader } from './deliver/subscription-loader.ts';
import { ConnectionCloser, DrainController } from './drain/drain.ts';
import { gatewayMetrics } from './metrics.ts';
import { PresenceReporter } from './presence/presence-reporter.ts';
import { PresenceWatch } from './presence/presence-watch.ts';
import { createHandlers } from './requests/handlers.ts';
import { InputRate, RequestBytes } from './requests/request-limits.ts';
import { Requests } from './requests/requests.ts';
import { SendBatcher } from './requests/send-batcher.ts';

/** What a gateway needs of its process. */
export type GatewayDeps = BaseDeps &
  LiveDeps & {
    readonly rpc: Pick<RpcRegistry, 'client'>;
    readonly bus: {
      readonly deliveries: Pick<Bus['deliveries'], 'feed'>;
      readonly events: Pick<Bus['events'], 'subscribeAllKicks' | 'subscribePresence' | 'onMissed'>;
    };
  };

/** A gateway that can be asked for its port. */
export interface GatewayService extends Service {
  /** The port that it listens on, once started. */
  port(): number;
}

/** Connections that the kernel keeps until they are accepted; a storm of reconnects comes at once. */
const BACKLOG = 4_096;
/** A closing connection that the client keeps open is cut after this time, ms. */
const CLOSE_TIMEOUT_MS = 5_000;
/** Part of the process's time to stop in which connections are closed. */
const DRAIN_SHARE = 0.7;
/** Time within which all clients are made to synchronize after a gap, ms. */
const RESYNC_MS = 60_000;

/** Builds a gateway; nothing listens or connects before `start`. */
export function createGateway(config: ServerConfig, deps: GatewayDeps): GatewayService {
  return new Gateway(config, deps);
}

class Gateway implements GatewayService {
  readonly #config: ServerConfig;
  readonly #deps: GatewayDeps;
  readonly #log: Logger;
  readonly #connections = new Set<Connection>();
  readonly #tenantLimits: TenantLimits;
  readonly #feed: DeliveryFeed;
  readonly #ownPushes: OwnPushes;
  readonly #inputRate: InputRate;
  readonly #requestBytes: RequestBytes;
  readonly #requests: Requests;
  readonly #catchUps: CatchUps;
  readonly #kicks: Kicks;
  readonly #presence: PresenceReporter;
  readonly #watch: PresenceWatch;
  readonly #sendBatcher: SendBatcher;
  readonly #sessions: Sessions;
  readonly #handshakes: Handshakes;
  readonly #draining: DrainController;
  readonly #sweep: Sweep;
  readonly #server: Server;
  readonly #resync: () => void;
  #unsubscribe: Unsubscribe[] = [];
  /** When deliveries were last missed for good, ms of the monotonic clock. */
  #gapAt = 0;
  #port = 0;

  constructor(config: ServerConfig, deps: GatewayDeps) {
    const { gateway } = config;
    const { rpc, bus, background, tenants, instanceId: gatewayID } = deps;
    const log = deps.log.child({ part: 'gateway' });
    const metrics = gatewayMetrics(deps.metrics);
    const connections = () => this.#connections.size;
    const limit = gateway.maxConnections;
    const [auth, users, groups, msg] = [
      rpc.client('auth'),
      rpc.client('user'),
      rpc.client('group'),
      rpc.client('msg'),
    ];
    this.#config = config;
    this.#deps = deps;
    this.#log = log;
    this.#tenantLimits = new TenantLimits({ tenants, onShareUsed: () => this.#presence.beatSoon() });
    const ownPushes = new OwnPushes(() => metrics.bounded('own-push'));
    this.#ownPushes = ownPushes;
    this.#inputRate = new InputRate(
      gateway.requests,
      (connection) => this.#requests.readOn(connection),
      () => metrics.bounded('input-rate'),
    );

    this.#requestBytes = new RequestBytes(gateway.requests);

    // Deliveries come once users are added to the feed, long after it has been made.
    let deliverer: Deliverer | undefined;
    const feed = bus.deliveries.feed({
      onDelivery: (delivery) => deliverer?.onDelivery(delivery),
      onGap: (reason) => this.#resynchronize(reason),
    });
    this.#feed = feed;
    const localUsers = new LocalUsers(feed);
    const catchUps = new CatchUps(
      (connection, delivery, frame) => deliverer?.forward(connection, delivery, frame),
      () => metrics.bounded('catch-up'),
    );
    this.#catchUps = catchUps;
    deliverer = new Deliverer({ localUsers, groups, ownPushes, catchUps, background, metrics, log });

    const subscriptionLoader = new SubscriptionLoader({ localUsers, feed, groups, background, log, limit });
    this.#kicks = new Kicks({ localUsers, events: bus.events, auth, background, log, gatewayID, limit });
    const { heartbeatMs } = gateway.presence;
    this.#presence = new PresenceReporter({
      localUsers,
      users,
      limits: this.#tenantLimits,
      background,
      log,
      gatewayID,
      connections,
      heartbeatMs,
    });
    this.#watch = new PresenceWatch({ events: bus.events, feed, users, background, log });
    const timeoutMs = gateway.requestTimeoutMs;
    const { maxMessageBytes } = config.rpc;
    this.#sendBatcher = new SendBatcher({
      msg,
      metrics: deps.metrics,
      timeoutMs,
      instanceId: gatewayID,
      maxMessageBytes,
    });
    const routes = createHandlers({
      msg,
      third: rpc.client('third'),
      sendBatcher: this.#sendBatcher,
      limits: this.#tenantLimits,
      presence: this.#presence,
      watch: this.#watch,
      catchUps,
      inputRate: this.#inputRate,
    });
    const inflatedLimit = gateway.inflatedLimitBytes;
    this.#requests = new Requests({
      routes,
      tenants,
      ownPushes,
      catchUps,
      feed,
      bytes: this.#requestBytes,
      metrics,
      log,
      inflatedLimit,
      timeoutMs,
    });
    this.#sessions = new Sessions(this.#connections, {
      metrics,
      flusher: new TickFlusher(),
      limits: { frames: gateway.sendQueue, bytes: gateway.sendQueueBytes },
      localUsers,
      tenantLimits: this.#tenantLimits,
      subscriptionLoader,
      kicks: this.#kicks,
      presence: this.#presence,
      watch: this.#watch,
      requests: this.#requests,
      catchUps,
      inputRate: this.#inputRate,
      feed,
      maxPerUser: () => deps.live.current.gateway.maxConnectionsPerUser,
    });
    this.#handshakes = new Handshakes({
      tenants,
      limits: this.#tenantLimits,
      auth,
      metrics,
      log,
      readLimit: gateway.readLimitBytes,
      connections,
      admission: gateway,
      attempts: () => deps.live.current.attempts,
      registry: deps.metrics,
      onAccepted: (accepted) => this.#sessions.open(accepted),
    });
    this.#draining = new DrainController({
      connections: this.#connections,
      handshakes: this.#handshakes,
      maxPerSecond: () => deps.live.current.gateway.drain.maxPerSecond,
      deadlineMs: () => deps.live.current.gateway.drain.deadlineMs,
      settleMs: () => deps.live.current.shutdown.settleMs,
    });
    this.#draining.serve(deps.ops, deps.status, deps.metrics);
    deps.status.add('gateway', () => ({
      connections: this.#connections.size,
      users: localUsers.userCount,
      handshakesPerSecond: this.#handshakes.perSecond,
      ...this.#draining.status,
    }));
    this.#sweep = new Sweep(this.#connections, {
      readTimeoutMs: gateway.readTimeoutMs,
      pingIntervalMs: gateway.pingIntervalMs,
      closeTimeoutMs: CLOSE_TIMEOUT_MS,
    });
    this.#server = createServer({ headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 });
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      void this.#handshakes.take(request, socket, head);
    });
    this.#server.on('request', (request: IncomingMessage) => refuseRequest(request.socket));
    this.#resync = background.coalesce('gateway resync', (signal) => this.#moveAll(signal));
    this.#observe(deps.metrics);
    deps.metrics.observe('openim_gateway_users', 'Users with a connection', () => localUsers.userCount);
    deps.metrics.observe('online_user_num', 'As openim_gateway_users; OpenIM’s name', () => localUsers.userCount);
    deps.metrics.observe('openim_gateway_groups', 'Groups that a connected user is in', () => localUsers.groupCount);
    deps.metrics.observe('openim_gateway_watched_users', 'Users whose presence is watched', () => this.#watch.size);
    deps.metrics.observe(
      'openim_gateway_watch_changes_waiting',
      'Connections whose presence subscriptions wait for their turn to change',
      () => this.#watch.waiting,
    );
  }

  async start(): Promise<void> {
    this.#unsubscribe = [
      this.#kicks.listen(),
      this.#deps.live.onChange(({ gateway }) => {
        this.#handshakes.admit(gateway);
        this.#inputRate.configure(gateway.requests);
        this.#requestBytes.configure(gateway.requests);
      }),
      this.#deps.bus.events.onMissed(() => {
        this.#kicks.recheckAll();
        this.#watch.catchUp();
      }),
      this.#deps.tenants.onChange((id, settings) => {
        if (!settings || settings.suspended) this.#sessions.closeTenant(id);
      }),
    ];
    await this.#listen();
    this.#sweep.start();
    this.#presence.start();
    this.#watch.start();
    this.#log.info({ port: this.#port }, 'gateway listening');
  }

  ready(): Readiness {
    if (this.#draining.on) return notReady('draining');
    return this.#port === 0 ? notReady('not listening yet') : READY;
  }

  port(): number {
    return this.#port;
  }

  async leave(): Promise<void> {
    this.#draining.begin();
    await this.#draining.finished();
    await this.#sessions.whenEmpty();
  }

  async stop(deadline: AbortSignal): Promise<void> {
    const { promise: cut, resolve } = Promise.withResolvers<void>();
    const onAbort = () => {
      this.#draining.endNow();
      this.#sessions.destroyAll();
      resolve();
    };
    if (deadline.aborted) onAbort();
    else deadline.addEventListener('abort', onAbort, { once: true });
    const drained = this.#draining.finish(this.#deps.live.current.shutdown.deadlineMs * DRAIN_SHARE);
    await Promise.race([drained.then(() => this.#sessions.whenEmpty()), cut]);
    await drained;
    deadline.removeEventListener('abort', onAbort);
    this.#server.close();
    this.#server.closeAllConnections();
    this.#sweep.stop();
    this.#ownPushes.stop();
    this.#catchUps.stop();
    this.#inputRate.stop();
    this.#tenantLimits.stop();
    for (const end of this.#unsubscribe) end();
    await this.#sendBatcher.stop();
    await this.#reportGone(deadline);
    await this.#feed.stop();
  }

  async #listen(): Promise<void> {
    const { host } = this.#config.listen;
    const { port } = this.#config.gateway;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once('error', reject);
    this.#server.listen({ host, port, backlog: BACKLOG }, () => resolve());
    try {
      await promise;
    } catch (cause) {
      throw new Error(`cannot listen on ${host}:${port}`, { cause });
    } finally {
      this.#server.off('error', reject);
    }
    const address: AddressInfo | string | null = this.#server.address();
    this.#port = address !== null && typeof address === 'object' ? address.port : port;
  }

  /** Deliveries were missed for good: clients repair themselves when they connect again. */
  #resynchronize(reason: string): void {
    this.#log.warn(
      { reason, connections: this.#connections.size },
      'deliveries missed, clients must reconnect',
    );
    this.#gapAt = performance.now();
    this.#resync();
  }

  /** Moves those who were here at the last gap; after a further one meanwhile it runs once more. */
  async #moveAll(signal: AbortSignal): Promise<void> {
    const gapAt = this.#gapAt;
    const here = new Set([...this.#connections].filter(({ openedAt }) => openedAt <= gapAt));
    const drain = new ConnectionCloser(here, {
      reason: 'resync',
      maxPerSecond: () => this.#deps.live.current.gateway.drain.maxPerSecond,
      withinMs: RESYNC_MS,
    });
    const cancel = () => drain.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    await drain.run();
    signal.removeEventListener('abort', cancel);
  }

  /** What each bound holds now. */
  #observe(metrics: Metrics): void {
    const sum = (of: (connection: Connection) => number) => () => {
      let total = 0;
      for (const connection of this.#connections) total += of(connection);
      return total;
    };
    metrics.observe(
      'openim_gateway_output_bytes',
      'Bytes of frames that wait because a socket takes no more',
      sum((connection) => connection.queuedBytes),
    );
    metrics.observe(
      'openim_gateway_own_push_bytes',
      'Bytes of pushes that wait behind the answer to their send',
      sum((connection) => connection.heldBytes),
    );
    metrics.observe(
      'openim_gateway_input_bytes',
      'Bytes of requests that wait behind others of their connection',
      () => this.#requests.waitingBytes,
    );
    metrics.observe(
      'openim_gateway_throttled',
      'Connections that are not read for a while because they asked too much',
      () => this.#inputRate.size,
    );
    metrics.observe(
      'openim_gateway_catch_up_bytes',
      'Bytes of pushes that wait for clients to catch up',
      () => this.#catchUps.bytes,
    );
    metrics.observe(
      'openim_gateway_presence_waiting',
      'Users whose presence is to be reported',
      () => this.#presence.waiting,
    );
  }

  /** Tells that nobody is connected here any more, so that nobody counts as online until the heartbeat's limit. */
  async #reportGone(deadline: AbortSignal): Promise<void> {
    if (deadline.aborted) return;
    try {
      await this.#presence.flush();
    } catch (error) {
      this.#log.warn({ err: error }, 'presence not reported');
    }
  }
}
