import type { TenantId } from '@im/contract';
import type { Connection } from './connection.ts';

interface OfTenant {
  /** In the order of their opening. */
  readonly connections: Set<Connection>;
  users: number;
  /** Connections by platform id. */
  readonly platforms: Record<number, number>;
}

/** How many connections a tenant has here. */
export interface TenantCounts {
  readonly tenant: TenantId;
  readonly users: number;
  /** Connections by platform id. */
  readonly platforms: Record<number, number>;
}

const NONE: ReadonlySet<Connection> = new Set();

/** The connections here by tenant, and their numbers, which cost no walk. */
export class TenantConnections {
  readonly #tenants = new Map<TenantId, OfTenant>();
  #opened = 0;

  /** Takes a connection that has just become one of its user's. */
  opened(connection: Connection): void {
    const { user, platformID } = connection;
    let known = this.#tenants.get(user.tenant);
    if (!known) {
      known = { connections: new Set(), users: 0, platforms: {} };
      this.#tenants.set(user.tenant, known);
    }
    connection.serial = ++this.#opened;
    known.connections.add(connection);
    known.platforms[platformID] = (known.platforms[platformID] ?? 0) + 1;
    if (user.connections.length === 1) known.users++;
  }

  /** Drops a connection that is no longer one of its user's. */
  closed(connection: Connection): void {
    const { user, platformID } = connection;
    const known = this.#tenants.get(user.tenant);
    if (!known?.connections.delete(connection)) return;
    if (known.connections.size === 0) {
      this.#tenants.delete(user.tenant);
      return;
    }
    known.platforms[platformID] = (known.platforms[platformID] ?? 0) - 1;
    if (known.platforms[platformID] === 0) delete known.platforms[platformID];
    if (user.connections.length === 0) known.users--;
  }

  /** A tenant's connections, in the order of their opening. */
  of(tenant: TenantId): ReadonlySet<Connection> {
    return this.#tenants.get(tenant)?.connections ?? NONE;
  }

  /** What each tenant with a connection has. */
  counts(): TenantCounts[] {
    return [...this.#tenants].map(([tenant, { users, platforms }]) => ({
      tenant,
      users,
      platforms: { ...platforms },
    }));
  }
}
