import type { Blob } from '@im/blob';
import type { Bus } from '@im/bus';
import type { ServerConfig } from '@im/contract';
import { inProcessInvalidations, type Metrics, type TenantDirectory } from '@im/kit';
import type { Background, BaseDeps, LiveDeps, Logger, NamedService, Need } from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import type { Store } from '@im/store';

/** Everything that a service may be given. */
export type ProcessDeps = BaseDeps &
  LiveDeps & {
    readonly rpc: RpcRegistry;
    readonly store: Store;
    readonly bus: Bus;
    readonly blob: Blob;
  };

/** Changes of the parts of a process, for tests that plant a fault or watch what happens. */
export interface PartOverrides {
  readonly bus?: (bus: Bus) => Bus;
  readonly store?: (store: Store) => Store;
  readonly blob?: (blob: Blob) => Blob;
}

/** The parts that the services of this process need, and no other. */
export interface Parts {
  readonly bus?: Bus;
  readonly store?: Store;
  readonly blob?: Blob;
  readonly rpc?: RpcRegistry;
  readonly invalidations: BaseDeps['invalidations'];
  /** Connections to backends, in the order of starting; without rpc, which starts after the domains. */
  readonly backends: readonly NamedService[];
}

/** What parts are made of. */
export interface PartsDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tenants: TenantDirectory;
  readonly background: Background;
  readonly instanceId: string;
  readonly live?: LiveDeps['live'];
  /** Whether other processes may call the domains of this one. */
  readonly serveRpc: boolean;
}

/** Imports and builds the parts of `needs`. Nothing is connected yet. */
export async function createParts(
  config: ServerConfig,
  needs: ReadonlySet<Need>,
  deps: PartsDeps,
  overrides: PartOverrides = {},
): Promise<Parts> {
  const same = <T>(part: T): T => part;
  const backends: NamedService[] = [];

  let bus: Bus | undefined;
  if (needs.has('bus')) {
    const { createBus } = await import('@im/bus');
    bus = (overrides.bus ?? same)(createBus(config.nats, deps));
    backends.push({ name: 'bus', service: bus });
  }
  const invalidations = bus?.invalidations ?? inProcessInvalidations();

  let store: Store | undefined;
  if (needs.has('store')) {
    const { createStore } = await import('@im/store');
    store = (overrides.store ?? same)(createStore(config, { ...deps, invalidations }));
    backends.push({ name: 'store', service: store });
  }

  let blob: Blob | undefined;
  if (needs.has('blob')) {
    const { createBlob } = await import('@im/blob');
    blob = (overrides.blob ?? same)(createBlob(config.s3, deps));
    backends.push({ name: 'blob', service: blob });
  }

  let rpc: RpcRegistry | undefined;
  if (needs.has('rpc')) {
    const { createRpc } = await import('@im/rpc');
    rpc = createRpc(config, { ...deps, serve: deps.serveRpc });
  }
  return { bus, store, blob, rpc, invalidations, backends };
}

/** What one service gets: what all get, and the parts that it names. */
export function depsFor(needs: readonly Need[], base: BaseDeps & LiveDeps, parts: Parts): ProcessDeps {
  const own = Object.fromEntries(needs.map((need) => [need, parts[need]]));
  // A service's own type of dependencies has exactly the parts that its `needs` name.
  return { ...base, ...own } as ProcessDeps;
}
