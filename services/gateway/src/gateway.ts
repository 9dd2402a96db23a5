import type { Bus, DeliveryFeed, Unsubscribe } from '@im/bus';
import { endsTokens, type ServerConfig, type TenantId, type TenantSettings } from '@im/contract';
import { onAbort } from '@im/kit';
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
import type { Webhooks } from '@im/webhooks';
import type { Handshakes } from './connect/handshake.ts';
import type { Listener } from './connect/listener.ts';
import type { TenantLimits } from './connect/tenant-limits.ts';
import type { Kicks } from './connection/kicks.ts';
import type { Sessions } from './connection/sessions.ts';
import type { Sweep } from './connection/sweep.ts';
import type { CatchUps } from './deliver/catch-up.ts';
import type { OwnPushes } from './deliver/own-push.ts';
import type { DrainController } from './drain/drain.ts';
import type { ShedController } from './drain/shed.ts';
import type { PresenceReporter } from './presence/presence-reporter.ts';
import type { PresenceWatch } from './presence/presence-watch.ts';
import type { InputRate, RequestBytes } from './requests/request-limits.ts';
import type { SendBatcher } from './requests/send-batcher.ts';

/** What a gateway needs of its process. */
export type GatewayDeps = BaseDeps &
  LiveDeps & {
    readonly rpc: Pick<RpcRegistry, 'client' | 'ready'>;
    readonly bus: Pick<Bus, 'ready'> & {
      readonly deliveries: Pick<Bus['deliveries'], 'feed'>;
      readonly events: Pick<Bus['events'], 'subscribeAllKicks' | 'subscribePresence' | 'onMissed'>;
      readonly gateways: Pick<Bus['gateways'], 'serve'>;
    };
    readonly webhooks: Pick<Webhooks, 'enabled' | 'after'>;
  };

/** A gateway that can be asked for its port. */
export interface GatewayService extends Service {
  /** The port that it listens on, once started. */
  port(): number;
}

/** Those of a gateway's components that take part in its start, drain and stop. */
export interface GatewayComponents extends Pick<GatewayDeps, 'live' | 'tenants'> {
  readonly config: Pick<ServerConfig, 'listen' | 'gateway'>;
  readonly events: Pick<GatewayDeps['bus']['events'], 'onMissed'>;
  /** Begins to answer what administrators ask about connections. @returns a function that ends it. */
  readonly serveRequests: () => Unsubscribe;
  readonly log: Logger;
  readonly listener: Listener;
  readonly handshakes: Handshakes;
  readonly tenantLimits: TenantLimits;
  readonly sessions: Sessions;
  readonly sweep: Sweep;
  readonly kicks: Kicks;
  readonly inputRate: InputRate;
  readonly requestBytes: RequestBytes;
  readonly sendBatcher: SendBatcher;
  readonly feed: Pick<DeliveryFeed, 'stop'>;
  readonly ownPushes: OwnPushes;
  readonly catchUps: CatchUps;
  readonly presence: PresenceReporter;
  readonly watch: PresenceWatch;
  readonly drain: DrainController;
  readonly shed: ShedController;
}

/** Part of the process's time to stop in which connections are closed. */
const DRAIN_SHARE = 0.7;

/** Starts, drains and stops the components of a gateway, in the order that they need. */
export class Gateway implements GatewayService {
  readonly #components: GatewayComponents;
  #unsubscribe: Unsubscribe[] = [];
  #port = 0;
  /** Settings of tenants before the next change. */
  readonly #settings = new Map<TenantId, TenantSettings>();

  constructor(components: GatewayComponents) {
    this.#components = components;
  }

  async start(): Promise<void> {
    const { config, live, events, serveRequests, tenants, listener, log } = this.#components;
    const { handshakes, sessions, sweep, kicks, inputRate, requestBytes, presence, watch } = this.#components;
    for (const settings of tenants.list()) this.#settings.set(settings.id, settings);
    this.#unsubscribe = [
      kicks.listen(),
      serveRequests(),
      live.onChange(({ gateway }) => {
        handshakes.admit(gateway);
        inputRate.configure(gateway.requests);
        requestBytes.configure(gateway.requests);
      }),
      events.onMissed(() => {
        kicks.recheckAll();
        watch.catchUp();
      }),
      tenants.onChange((id, settings) => {
        if (!settings || settings.suspended) sessions.closeTenant(id);
        this.#keysChanged(id, settings);
      }),
    ];
    this.#port = await listener.listen(config.listen.host, config.gateway.port);
    sweep.start();
    presence.start();
    watch.start();
    log.info({ port: this.#port }, 'gateway listening');
  }

  #keysChanged(id: TenantId, settings: TenantSettings | undefined): void {
    const { kicks } = this.#components;
    const before = this.#settings.get(id);
    if (settings) {
      this.#settings.set(id, settings);
      if (before && endsTokens(before, settings)) kicks.recheckTenant(settings);
    } else {
      this.#settings.delete(id);
      kicks.forgetTenant(id);
    }
  }

  ready(): Readiness {
    if (this.#components.drain.on) return notReady('draining');
    return this.#port === 0 ? notReady('not listening yet') : READY;
  }

  port(): number {
    return this.#port;
  }

  async drain(): Promise<void> {
    const { drain, shed, sessions } = this.#components;
    shed.cancel();
    await drain.beforeStop();
    await sessions.whenEmpty();
  }

  async stop(deadline: AbortSignal): Promise<void> {
    const { listener, sweep, inputRate, tenantLimits } = this.#components;
    const { ownPushes, catchUps, sendBatcher, feed } = this.#components;
    await this.#closeConnections(deadline);
    listener.close();
    sweep.stop();
    ownPushes.stop();
    catchUps.stop();
    inputRate.stop();
    tenantLimits.stop();
    for (const end of this.#unsubscribe) end();
    await sendBatcher.stop();
    await this.#reportGone(deadline);
    await feed.stop();
  }

  /** Closes all connections at a pace, and cuts those that are left at the deadline. */
  async #closeConnections(deadline: AbortSignal): Promise<void> {
    const { drain, shed, sessions, live } = this.#components;
    shed.cancel();
    const { promise: cut, resolve } = Promise.withResolvers<void>();
    using _ = onAbort(deadline, () => {
      drain.endNow();
      sessions.destroyAll();
      resolve();
    });
    const drained = drain.finish(live.current.shutdown.deadlineMs * DRAIN_SHARE);
    await Promise.race([drained.then(() => sessions.whenEmpty()), cut]);
    await drained;
  }

  /** Reports that no user is connected here, so that they do not count as online until the heartbeat expires. */
  async #reportGone(deadline: AbortSignal): Promise<void> {
    if (deadline.aborted) return;
    const { presence, log } = this.#components;
    try {
      await presence.flush();
    } catch (error) {
      log.warn({ err: error }, 'presence not reported');
    }
  }
}
