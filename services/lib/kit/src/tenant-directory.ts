import type { InvalidTenant, TenantId, TenantSettings } from '@im/contract';
import { ERR, ImError } from '@im/protocol';

/** What changed in a directory: the new settings, or undefined for a tenant that is gone. */
export type TenantListener = (id: TenantId, settings: TenantSettings | undefined) => void;

/** The tenants that this process knows, with settings that change while it runs. */
export interface TenantDirectory {
  get(id: TenantId): TenantSettings | undefined;
  /** The tenant that a request's Host header names; the port is ignored. */
  byHost(host: string): TenantSettings | undefined;
  list(): readonly TenantSettings[];
  /**
   * Whether this tenant is configured, but not served since its entry is invalid. Its requests get a
   * retryable error until the entry is valid; nothing of it may count as removed.
   */
  isRefused(id: string): boolean;
  /** The same for the tenant that a Host header names. */
  isRefusedHost(host: string): boolean;
  /** @returns a function that ends the subscription. */
  onChange(listener: TenantListener): () => void;
}

/** A directory that is changed from outside: by the config file's watcher, the bus, or a test. */
export interface MutableTenantDirectory extends TenantDirectory {
  /** Adds or replaces one tenant. @throws when a host belongs to another tenant. */
  put(settings: TenantSettings): void;
  remove(id: TenantId): void;
  /**
   * Makes these the only tenants, and notifies listeners of those that differ.
   * @param refused the entries that are not served.
   * @throws RangeError when two claim an id or a host; then nothing changes.
   * @throws AggregateError of what listeners threw, when all have been notified.
   */
  replaceAll(settings: readonly TenantSettings[], refused?: readonly RefusedTenant[]): void;
}

/** A tenant that is configured and cannot be served. */
export type RefusedTenant = Pick<InvalidTenant, 'id' | 'hosts'>;

/** 90004 (retryable) for a tenant that is so new that this process does not have it yet. */
export function unknownTenant(tenant: TenantId): ImError {
  return new ImError(ERR.NetworkError, `tenant ${tenant} is not known here yet`);
}

/** A directory that holds the given tenants. @throws when two have the same name or host. */
export function staticTenants(
  initial: readonly TenantSettings[],
  initiallyRefused: readonly RefusedTenant[] = [],
): MutableTenantDirectory {
  let tenants = index(initial);
  let refused = refusedIndex(initiallyRefused);
  const listeners = new Set<TenantListener>();

  function replaceAll(settings: readonly TenantSettings[], entries: readonly RefusedTenant[] = []): void {
    const next = index(settings);
    const before = tenants.byId;
    tenants = next;
    refused = refusedIndex(entries);
    const failures: unknown[] = [];
    for (const [id, value] of next.byId) {
      if (JSON.stringify(before.get(id)) !== JSON.stringify(value)) notify(id, value, failures);
    }
    for (const id of before.keys()) if (!next.byId.has(id)) notify(id, undefined, failures);
    if (failures.length > 0) throw new AggregateError(failures, 'a changed tenant was not taken over');
  }
  /** What fails for one tenant, or in one listener, keeps no other from being notified. */
  function notify(id: TenantId, settings: TenantSettings | undefined, failures: unknown[]): void {
    for (const listener of listeners) {
      try {
        listener(id, settings);
      } catch (error) {
        failures.push(error);
      }
    }
  }
  const others = (id: TenantId) => [...tenants.byId.values()].filter((settings) => settings.id !== id);

  return {
    get: (id) => tenants.byId.get(id),
    byHost: (host) => tenants.byHost.get(hostName(host)),
    list: () => [...tenants.byId.values()],
    isRefused: (id) => refused.ids.has(id) && !tenants.byId.has(id as TenantId),
    isRefusedHost(host) {
      // Asked for every request, and hardly ever is there one.
      if (refused.hosts.size === 0) return false;
      const name = hostName(host);
      return refused.hosts.has(name) && !tenants.byHost.has(name);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    put: (settings) => replaceAll([...others(settings.id), settings], refused.entries),
    remove: (id) => replaceAll(others(id), refused.entries),
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
      if (owner && owner !== settings)
        throw new RangeError(`host ${host} belongs to tenant ${owner.id} and to ${settings.id}`);
      byHost.set(host, settings);
    }
  }
  return { byId, byHost };
}

interface RefusedIndex {
  readonly entries: readonly RefusedTenant[];
  readonly ids: ReadonlySet<string>;
  readonly hosts: ReadonlySet<string>;
}

function refusedIndex(entries: readonly RefusedTenant[]): RefusedIndex {
  const ids = entries.flatMap(({ id }) => id ?? []);
  return { entries, ids: new Set(ids), hosts: new Set(entries.flatMap(({ hosts }) => hosts)) };
}

/** The name in a Host header, without port and in lower case. */
function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}
