import type { TenantId } from './tenant.ts';
import { TenantSettings, type TenantSettingsInput } from './tenant-settings.ts';

/** What changed in a directory: the new settings, or undefined for a tenant that is gone. */
export type TenantListener = (id: TenantId, settings: TenantSettings | undefined) => void;

/** The tenants that this process knows, with settings that change while it runs. */
export interface TenantDirectory {
  get(id: TenantId): TenantSettings | undefined;
  /** The tenant that a request's Host header names; the port is ignored. */
  byHost(host: string): TenantSettings | undefined;
  list(): readonly TenantSettings[];
  /** @returns a function that ends the subscription. */
  onChange(listener: TenantListener): () => void;
}

/** A directory that is changed from outside: by the config file's watcher, the bus, or a test. */
export interface MutableTenantDirectory extends TenantDirectory {
  /** Adds or replaces one tenant. @throws when a host belongs to another tenant. */
  put(settings: TenantSettings): void;
  remove(id: TenantId): void;
  /** Makes these the only tenants, and tells listeners about those that differ. Nothing changes when it throws. */
  replaceAll(settings: readonly TenantSettings[]): void;
}

/** Fills in the defaults of a tenant's settings. @throws a ZodError that names the field. */
export function tenantSettings(input: TenantSettingsInput): TenantSettings {
  return TenantSettings.parse(input);
}

/** A directory that holds the given tenants. @throws when two have the same name or host. */
export function staticTenants(initial: readonly TenantSettings[]): MutableTenantDirectory {
  let tenants = index(initial);
  const listeners = new Set<TenantListener>();

  function replaceAll(settings: readonly TenantSettings[]): void {
    const next = index(settings);
    const before = tenants.byId;
    tenants = next;
    for (const [id, value] of next.byId) {
      if (JSON.stringify(before.get(id)) !== JSON.stringify(value)) notify(id, value);
    }
    for (const id of before.keys()) if (!next.byId.has(id)) notify(id, undefined);
  }
  function notify(id: TenantId, settings: TenantSettings | undefined): void {
    for (const listener of listeners) listener(id, settings);
  }
  const others = (id: TenantId) => [...tenants.byId.values()].filter((settings) => settings.id !== id);

  return {
    get: (id) => tenants.byId.get(id),
    byHost: (host) => tenants.byHost.get(hostName(host)),
    list: () => [...tenants.byId.values()],
    onChange(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    put: (settings) => replaceAll([...others(settings.id), settings]),
    remove: (id) => replaceAll(others(id)),
    replaceAll,
  };
}

interface Index {
  readonly byId: ReadonlyMap<TenantId, TenantSettings>;
  readonly byHost: ReadonlyMap<string, TenantSettings>;
}

function index(list: readonly TenantSettings[]): Index {
  const byId = new Map<TenantId, TenantSettings>();
  const byHost = new Map<string, TenantSettings>();
  for (const settings of list) {
    if (byId.has(settings.id)) throw new RangeError(`tenant ${settings.id} is listed twice`);
    byId.set(settings.id, settings);
    for (const host of settings.hosts) {
      const owner = byHost.get(host);
      if (owner) throw new RangeError(`host ${host} belongs to tenant ${owner.id} and to ${settings.id}`);
      byHost.set(host, settings);
    }
  }
  return { byId, byHost };
}

/** The name in a Host header, without port and in lower case. */
function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}
