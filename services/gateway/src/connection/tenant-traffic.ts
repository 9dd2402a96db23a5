import type { TenantId } from '@im/contract';
import type { TenantDirectory } from '@im/kit';

/** What a tenant did on this gateway since the gateway started. */
export interface Traffic {
  /** Messages that clients sent, refused ones excluded. */
  sends: number;
  /** Messages and handshakes that a quota of the tenant refused. */
  refusals: number;
  /** Messages written to connections. */
  pushes: number;
  /** Connections that passed the handshake. */
  logins: number;
}

const NONE: Readonly<Traffic> = { sends: 0, refusals: 0, pushes: 0, logins: 0 };

/**
 * Totals by tenant, for rates by difference. They cost an increment each: traffic of one tenant mostly comes in runs, for
 * which nothing is looked up.
 */
export class TenantTraffic {
  readonly #tenants: Pick<TenantDirectory, 'get'>;
  readonly #traffic = new Map<TenantId, Traffic>();
  #lastTenant: TenantId | undefined;
  #last: Traffic = { ...NONE };

  constructor({ tenants }: { readonly tenants: Pick<TenantDirectory, 'get'> }) {
    this.#tenants = tenants;
  }

  sent(tenant: TenantId): void {
    this.#of(tenant).sends++;
  }

  refused(tenant: TenantId): void {
    this.#of(tenant).refusals++;
  }

  /** @param sockets connections that one message was written to. */
  pushed(tenant: TenantId, sockets: number): void {
    if (sockets > 0) this.#of(tenant).pushes += sockets;
  }

  loggedIn(tenant: TenantId): void {
    this.#of(tenant).logins++;
  }

  of(tenant: TenantId): Readonly<Traffic> {
    return this.#traffic.get(tenant) ?? NONE;
  }

  /** Tenants with any traffic; those that exist no longer are forgotten. */
  all(): ReadonlyMap<TenantId, Readonly<Traffic>> {
    for (const tenant of this.#traffic.keys()) {
      if (this.#tenants.get(tenant)) continue;
      this.#traffic.delete(tenant);
      if (tenant === this.#lastTenant) this.#lastTenant = undefined;
    }
    return this.#traffic;
  }

  #of(tenant: TenantId): Traffic {
    if (tenant === this.#lastTenant) return this.#last;
    let traffic = this.#traffic.get(tenant);
    if (!traffic) {
      traffic = { ...NONE };
      this.#traffic.set(tenant, traffic);
    }
    this.#lastTenant = tenant;
    this.#last = traffic;
    return traffic;
  }
}
