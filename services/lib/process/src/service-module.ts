import type { ConfigOf, SettingName } from '@im/contract';
import type { Invalidations, Metrics, ProcessDirectory, TenantDirectory, Tracing } from '@im/kit';
import type { LiveConfig } from './live-config.ts';
import type { Logger } from './log.ts';
import type { OpsRoutes } from './ops-server.ts';
import type { Service } from './service.ts';
import type { StatusRegistry } from './status.ts';
import type { TaskRunner } from './task-runner.ts';

/** What a service may depend on; what no service of a process requires is neither loaded nor connected. */
export type Dependency = 'rpc' | 'store' | 'bus' | 'blob' | 'webhooks';

/**
 * What every service gets. A service adds what it `requires` by intersection, for example
 * `BaseDeps & { rpc: RpcRegistry; store: Store }`; the types live in their own packages.
 */
export interface BaseDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tenants: TenantDirectory;
  readonly invalidations: Invalidations;
  readonly tasks: TaskRunner;
  /** Extra routes on the ops port, for instance a gateway's drain. */
  readonly ops: OpsRoutes;
  /** Name of this process among its peers, new at every start. */
  readonly instanceId: string;
  /** Aborts when the process begins to stop. */
  readonly signal: AbortSignal;
  /** @default off */
  readonly tracing?: Tracing;
  /** The processes of the cluster, where this one is connected to the bus. */
  readonly processes?: ProcessDirectory | undefined;
}

/** What services get besides, when they report a status or follow settings that change while they run. */
export interface LiveDeps {
  readonly status: StatusRegistry;
  readonly live: LiveConfig;
}

/**
 * A service as the entry sees it; each service package exports one.
 * `create` only builds: no I/O, no listening; RPC implementations are bound here, so that every
 * domain of the process is known before the first one starts.
 */
export interface ServiceModule<D extends BaseDeps = BaseDeps, S extends SettingName = SettingName> {
  /** Role name: `gateway`, `api`, `auth`, … */
  readonly name: string;
  readonly requires: readonly Dependency[];
  /**
   * What it reads of the config, besides what its dependencies do: `create` gets this alone, and processes are
   * restarted when it changes.
   */
  readonly settings: readonly S[];
  /**
   * Once ready, it stays so while its dependencies are away: a process that is not ready may be cut off from the
   * clients that it holds. It refuses by itself what it cannot do meanwhile. Holds for a process that has no service
   * without it. @default false
   */
  readonly readyThroughOutages?: boolean;
  create(config: ConfigOf<S>, deps: D): Promise<Service>;
}

/** A service whose config is typed by the settings that it declares. */
export function defineService<D extends BaseDeps, const S extends SettingName = never>(
  service: ServiceModule<D, S>,
): ServiceModule<D, S> {
  return service;
}
