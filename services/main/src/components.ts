import type { Blob } from '@im/blob';
import type { Bus } from '@im/bus';
import type { ServerConfig } from '@im/contract';
import { inProcessInvalidations, type Metrics, type TenantDirectory } from '@im/kit';
import type { BaseDeps, Dependency, LiveDeps, Logger, NamedService, TaskRunner } from '@im/process';
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

/** Wraps components of a process, for tests that inject a fault or watch what happens. */
export interface ComponentOverrides {
  readonly bus?: (bus: Bus) => Bus;
  readonly store?: (store: Store) => Store;
  readonly blob?: (blob: Blob) => Blob;
}

/** The components that the services of this process require, and no other. */
export interface Components {
  readonly bus?: Bus;
  readonly store?: Store;
  readonly blob?: Blob;
  readonly rpc?: RpcRegistry;
  readonly invalidations: BaseDeps['invalidations'];
  /** Connections to backends, in the order of starting; without rpc, which starts after the domains. */
  readonly backends: readonly NamedService[];
}

/** What components are built from. */
export interface ComponentDeps {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tenants: TenantDirectory;
  readonly tasks: TaskRunner;
  readonly instanceId: string;
  readonly live?: LiveDeps['live'];
  /** Whether other processes may call the domains of this one. */
  readonly serveRpc: boolean;
}

/** Imports and builds what is required. Nothing is connected yet. */
export async function createComponents(
  config: ServerConfig,
  required: ReadonlySet<Dependency>,
  deps: ComponentDeps,
  overrides: ComponentOverrides = {},
): Promise<Components> {
  const same = <T>(component: T): T => component;
  const backends: NamedService[] = [];

  let bus: Bus | undefined;
  if (required.has('bus')) {
    const { createBus } = await import('@im/bus');
    bus = (overrides.bus ?? same)(createBus(config.nats, deps));
    backends.push({ name: 'bus', service: bus });
  }
  const invalidations = bus?.invalidations ?? inProcessInvalidations();

  let store: Store | undefined;
  if (required.has('store')) {
    const { createStore } = await import('@im/store');
    store = (overrides.store ?? same)(createStore(config, { ...deps, invalidations }));
    backends.push({ name: 'store', service: store });
  }

  let blob: Blob | undefined;
  if (required.has('blob')) {
    const { createBlob } = await import('@im/blob');
    blob = (overrides.blob ?? same)(createBlob(config.s3, deps));
    backends.push({ name: 'blob', service: blob });
  }

  let rpc: RpcRegistry | undefined;
  if (required.has('rpc')) {
    const { createRpc } = await import('@im/rpc');
    rpc = createRpc(config, { ...deps, serve: deps.serveRpc });
  }
  return { bus, store, blob, rpc, invalidations, backends };
}

/** What one service gets: what all get, and the components that it requires. */
export function depsFor(
  requires: readonly Dependency[],
  base: BaseDeps & LiveDeps,
  components: Components,
): ProcessDeps {
  const own = Object.fromEntries(requires.map((name) => [name, components[name]]));
  // A service's own type of dependencies has exactly what it `requires`.
  return { ...base, ...own } as ProcessDeps;
}
