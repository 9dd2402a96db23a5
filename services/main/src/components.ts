import type { Blob } from '@im/blob';
import type { Bus } from '@im/bus';
import type { ServerConfig } from '@im/contract';
import { inProcessInvalidations, type Metrics, type TenantDirectory, type Tracing } from '@im/kit';
import {
  type BaseDeps,
  createLiveConfig,
  type Dependency,
  type LiveDeps,
  type Logger,
  type NamedService,
  READY,
  type Service,
  type TaskRunner,
} from '@im/process';
import type { RpcRegistry } from '@im/rpc';
import type { Store } from '@im/store';
import type { OwnedWebhooks, Webhooks } from '@im/webhooks';

/** Everything that a service may be given. */
export type ProcessDeps = BaseDeps &
  LiveDeps & {
    readonly rpc: RpcRegistry;
    readonly store: Store;
    readonly bus: Bus;
    readonly blob: Blob;
    readonly webhooks: Webhooks;
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
  readonly webhooks?: Webhooks;
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
  readonly tracing?: Tracing;
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
  if (required.has('bus') || required.has('webhooks')) {
    const { createBus } = await import('@im/bus');
    bus = (overrides.bus ?? same)(createBus(config.nats, deps));
    backends.push({ name: 'bus', service: bus, shared: true });
  }
  const invalidations = bus?.invalidations ?? inProcessInvalidations();

  let store: Store | undefined;
  if (required.has('store')) {
    const { createStore } = await import('@im/store');
    store = (overrides.store ?? same)(createStore(config, { ...deps, invalidations }));
    backends.push({ name: 'store', service: store, shared: true });
  }

  let blob: Blob | undefined;
  if (required.has('blob')) {
    const { createBlob } = await import('@im/blob');
    blob = (overrides.blob ?? same)(createBlob(config.s3, deps));
    backends.push({ name: 'blob', service: blob, shared: true });
  }

  let webhooks: OwnedWebhooks | undefined;
  if (bus && required.has('webhooks')) {
    const { createWebhooks } = await import('@im/webhooks');
    const live = deps.live ?? createLiveConfig(config);
    webhooks = createWebhooks({ ...deps, live, queue: bus.webhooks });
    backends.push({ name: 'webhooks', service: closing(webhooks) });
  }

  let rpc: RpcRegistry | undefined;
  if (required.has('rpc')) {
    const { createRpc } = await import('@im/rpc');
    rpc = createRpc(config, { ...deps, serve: deps.serveRpc });
  }
  return { bus, store, blob, webhooks, rpc, invalidations, backends };
}

/** A component that is always ready, and only has to be closed. */
function closing(component: { close(): void }): Service {
  return { start: async () => {}, stop: async () => component.close(), ready: () => READY };
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
