import type { ServerConfig } from '@im/contract';
import type { Invalidations, Metrics, TenantDirectory } from '@im/kit';
import type { LiveConfig } from './live-config.ts';
import type { Logger } from './log.ts';
import type { OpsRoutes } from './ops-server.ts';
import type { Service } from './service.ts';
import type { StatusRegistry } from './status.ts';
import type { Background } from './task-runner.ts';

/** The parts of a process that a module may ask for; what nobody asks for is neither loaded nor connected. */
export type Need = 'rpc' | 'store' | 'bus' | 'blob';

/**
 * What every module gets. A module adds the parts of its `needs` by intersection, for example
 * `BaseDeps & { rpc: RpcRegistry; store: Store }`; the types live in their own packages.
 */
export interface BaseDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tenants: TenantDirectory;
  readonly invalidations: Invalidations;
  readonly background: Background;
  /** Extra routes on the ops port, for instance a gateway's drain. */
  readonly ops: OpsRoutes;
  /** Name of this process among its peers, new at every start. */
  readonly instanceId: string;
  /** Aborts when the process begins to stop. */
  readonly signal: AbortSignal;
}

/** What modules get besides, when they tell of themselves or follow settings that change while they run. */
export interface LiveDeps {
  readonly status: StatusRegistry;
  readonly live: LiveConfig;
}

/**
 * A service as the entry sees it. Each service package exports one as `module`.
 * `create` only builds: no I/O, no listening; RPC implementations are bound here, so that every
 * domain of the process is known before the first one starts.
 */
export interface ServiceModule<D extends BaseDeps = BaseDeps> {
  /** Role name: `gateway`, `api`, `auth`, … */
  readonly name: string;
  readonly needs: readonly Need[];
  create(config: ServerConfig, deps: D): Promise<Service>;
}
