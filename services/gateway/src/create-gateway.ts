import type { ServerConfig } from '@im/contract';
import { NO_TRACING } from '@im/kit';
import { Handshakes } from './connect/handshake.ts';
import { RecentDurations } from './connect/handshake-rates.ts';
import { Listener } from './connect/listener.ts';
import { TenantLimits } from './connect/tenant-limits.ts';
import type { Connection } from './connection/connection.ts';
import { ConnectionRequests } from './connection/connection-requests.ts';
import { Kicks } from './connection/kicks.ts';
import { TickFlusher } from './connection/outbox.ts';
import { serveTenants } from './connection/serve-tenants.ts';
import { Sessions } from './connection/sessions.ts';
import { Sweep } from './connection/sweep.ts';
import { TenantConnections } from './connection/tenant-connections.ts';
import { TenantTraffic } from './connection/tenant-traffic.ts';
import { Deliverer } from './deliver/deliverer.ts';
import { SubscriptionLoader } from './deliver/subscription-loader.ts';
import { DrainController } from './drain/drain.ts';
import { serveDrain } from './drain/drain-routes.ts';
import { Resync } from './drain/resync.ts';
import { ShedController } from './drain/shed.ts';
import { Gateway, type GatewayDeps, type GatewayService } from './gateway.ts';
import { gatewayMetrics, observeGateway } from './metrics.ts';
import { PresenceReporter } from './presence/presence-reporter.ts';
import { PresenceWatch } from './presence/presence-watch.ts';
import { createHandlers } from './requests/handlers.ts';
import { InputRate, RequestBytes } from './requests/request-limits.ts';
import { Requests } from './requests/requests.ts';
import { SendBatcher } from './requests/send-batcher.ts';

/** A closing connection that the client keeps open is cut after this time, ms. */
const CLOSE_TIMEOUT_MS = 5_000;

/** What the gateway reads of the config. */
type GatewayConfig = Pick<ServerConfig, 'gateway' | 'rpc' | 'listen'>;

/**
 * Builds a gateway and connects its rooms: every component is made of those above it. Nothing listens
 * or connects before `start`.
 */
export function createGateway(config: GatewayConfig, deps: GatewayDeps): GatewayService {
  const { gateway, rpc: rpcConfig } = config;
  const { bus, tasks, tenants, live, instanceId: gatewayID, tracing = NO_TRACING } = deps;
  const log = deps.log.child({ part: 'gateway' });
  const metrics = gatewayMetrics(deps.metrics);
  const [auth, users, groups, msg, third] = [
    deps.rpc.client('auth'),
    deps.rpc.client('user'),
    deps.rpc.client('group'),
    deps.rpc.client('msg'),
    deps.rpc.client('third'),
  ];
  const connections = new Set<Connection>();
  const tenantConnections = new TenantConnections();
  const traffic = new TenantTraffic({ tenants });
  const count = () => connections.size;
  const limit = gateway.maxConnections;
  const timeoutMs = gateway.requestTimeoutMs;
  const closesPerSecond = () => live.current.gateway.drain.maxPerSecond;

  // What clients may use.
  const tenantLimits = new TenantLimits({ tenants, metrics: deps.metrics, traffic });
  const inputRate = new InputRate(gateway.requests, () => metrics.bounded('input-rate'));
  const requestBytes = new RequestBytes(gateway.requests);

  // Deliveries, and the users and groups that they come for.
  const resync = new Resync({ connections, tasks, log, maxPerSecond: closesPerSecond });
  const deliverer = new Deliverer({
    deliveries: bus.deliveries,
    onGap: (reason) => resync.request(reason),
    groups,
    tasks,
    metrics,
    traffic,
    log,
    tracing,
  });
  const { feed, localUsers, ownPushes, catchUps } = deliverer;
  const subscriptionLoader = new SubscriptionLoader({ localUsers, feed, groups, tasks, log, limit });

  // Presence and logins.
  const presence = new PresenceReporter({
    localUsers,
    users,
    limits: tenantLimits,
    tenantConnections,
    traffic,
    tasks,
    log,
    gatewayID,
    connections: count,
    heartbeatMs: gateway.presence.heartbeatMs,
  });
  const watch = new PresenceWatch({ events: bus.events, feed, users, tasks, log });
  const kicks = new Kicks({
    localUsers,
    events: bus.events,
    auth,
    webhooks: deps.webhooks,
    tasks,
    log,
    gatewayID,
    limit,
  });

  const connectionRequests = new ConnectionRequests({ gatewayID, localUsers, tenantConnections, kicks });

  // Requests.
  const sendBatcher = new SendBatcher({
    msg,
    tenants,
    metrics: deps.metrics,
    timeoutMs,
    instanceId: gatewayID,
    maxMessageBytes: rpcConfig.maxMessageBytes,
    tracing,
  });
  const limits = tenantLimits;
  const routes = createHandlers({
    msg,
    third,
    sendBatcher,
    limits,
    traffic,
    presence,
    watch,
    catchUps,
    inputRate,
  });
  const logins = new RecentDurations();
  const requests = new Requests({
    routes,
    tenants,
    ownPushes,
    catchUps,
    feed,
    bytes: requestBytes,
    metrics,
    log,
    inflatedLimit: gateway.inflatedLimitBytes,
    timeoutMs,
    tracing,
    onUsable: (ms) => {
      logins.add(ms);
      metrics.loginSeconds.observe(ms / 1_000);
    },
  });

  // Connections, from the handshake to the drain.
  const sessions = new Sessions(connections, {
    metrics,
    flusher: new TickFlusher(),
    limits: { frames: gateway.sendQueue, bytes: gateway.sendQueueBytes },
    localUsers,
    tenantLimits,
    tenantConnections,
    traffic,
    subscriptionLoader,
    kicks,
    presence,
    watch,
    requests,
    catchUps,
    inputRate,
    feed,
    maxPerUser: () => live.current.gateway.maxConnectionsPerUser,
  });
  const sweep = new Sweep(connections, {
    readTimeoutMs: gateway.readTimeoutMs,
    pingIntervalMs: gateway.pingIntervalMs,
    closeTimeoutMs: CLOSE_TIMEOUT_MS,
  });
  const handshakes = new Handshakes({
    tenants,
    limits: tenantLimits,
    auth,
    metrics,
    log,
    readLimit: gateway.readLimitBytes,
    connections: count,
    admission: gateway,
    attempts: () => live.current.attempts,
    registry: deps.metrics,
    unavailable: () => deps.bus.ready().reason ?? deps.rpc.ready().reason,
    onAccepted: (accepted) => sessions.open(accepted),
  });
  const listener = new Listener(handshakes);
  const drain = new DrainController({
    connections,
    handshakes,
    maxPerSecond: closesPerSecond,
    deadlineMs: () => live.current.gateway.drain.deadlineMs,
    settleMs: () => live.current.shutdown.settleMs,
  });
  const shed = new ShedController({ connections, tasks });

  serveDrain({ ops: deps.ops, status: deps.status, metrics: deps.metrics, drain, shed });
  serveTenants(deps.ops, tenantConnections, traffic);
  deps.status.add('gateway', () => ({
    connections: connections.size,
    users: localUsers.userCount,
    handshakesPerSecond: handshakes.perSecond,
    refusedPerSecond: handshakes.refusedPerSecond,
    loginP99Ms: logins.quantile(0.99),
    maxConnections: handshakes.maxConnections,
    ...drain.status,
    ...shed.status,
    movedConnections: sessions.moved,
  }));
  observeGateway(deps.metrics, { connections, localUsers, requests, inputRate, catchUps, presence, watch });

  return new Gateway({
    config,
    live,
    tenants,
    events: bus.events,
    serveRequests: () => bus.gateways.serve(gatewayID, connectionRequests),
    log,
    listener,
    handshakes,
    tenantLimits,
    sessions,
    sweep,
    kicks,
    inputRate,
    requestBytes,
    sendBatcher,
    feed,
    ownPushes,
    catchUps,
    presence,
    watch,
    drain,
    shed,
  });
}
