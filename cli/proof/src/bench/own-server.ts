import type { Admin, Endpoint } from '@im/client';
import type { ServerConfigInput, TenantSettingsInput } from '@im/contract';

/** How a server is divided into processes: everything in one, or a process or two per role. */
export type Topology = 'one' | 'many';

/** A tenant of a server that is started for the bench. */
export interface OwnTenant {
  readonly id: string;
  /** What differs from the defaults. */
  readonly settings?: TenantChanges;
}

/** Settings of a tenant, without its name and secrets. */
export type TenantChanges = Partial<
  Omit<TenantSettingsInput, 'id' | 'adminSecret' | 'tokenSecret' | 'adminUserIDs'>
>;

/** The server that a bench asks for. */
export interface OwnServerOptions {
  readonly topology: Topology;
  /** Processes with the role transfer. @default as many as the topology has */
  readonly transfers?: number;
  /** @default default, t2 */
  readonly tenants?: readonly OwnTenant[];
  /** Puts a relay in front of the database that can refuse commands. @default false */
  readonly mongoProxy?: boolean;
  /** Added to the config of every process. */
  readonly config?: Partial<ServerConfigInput>;
  /** Flags of the runtime. */
  readonly nodeFlags?: readonly string[];
}

/** Starts a server with its stores on this machine, and waits until it is ready. */
export type StartServer = (options: OwnServerOptions) => Promise<OwnServer>;

/** A server that was started for the bench. */
export interface OwnServer {
  readonly processes: readonly OwnProcess[];
  /** Those of `processes` that have the role gateway. */
  readonly gateways: readonly OwnProcess[];
  readonly stores: Readonly<Record<'nats' | 'redis' | 'mongo' | 's3', StoreProcess>>;
  readonly mongoProxy: DatabaseRelay | undefined;
  /** Where a tenant is reached; `gateway` counts from 0. */
  endpoint(tenant: string, gateway?: number): Endpoint;
  /** Administration of a tenant. */
  admin(tenant: string): Admin;
  tenant(id: string): { readonly adminUser: string; readonly adminSecret: string };
  /** Changes settings of a tenant in the config of all processes; `undefined` removes it. */
  changeTenant(id: string, settings: TenantChanges | undefined): void;
  /** Adds tenants to the config of all processes, which take them over within 2 s. */
  addTenants(ids: readonly string[]): void;
  /** Stops everything and removes its data. */
  close(): Promise<void>;
}

/** One process of the server. */
export interface OwnProcess {
  readonly name: string;
  readonly plan: { readonly roles: readonly string[]; readonly config: ServerConfigInput };
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  metrics(): Promise<{
    /** Sum of all samples of this name; 0 when there are none. */
    sum(name: string): number;
  }>;
  /** The answer of a path on its ops port. */
  ops(path: string): Promise<{ readonly status: number; readonly text: string }>;
  /** All that it has logged. */
  log(): string;
  /** Stops it in order, and waits for the end. */
  stop(): Promise<unknown>;
}

/** One store server. */
export interface StoreProcess {
  readonly pid: number | undefined;
  readonly uri: string;
}

/** A relay in front of the database. */
export interface DatabaseRelay {
  /** From now on every command for this database is refused. */
  refuse(database: string): void;
  /** Lets commands for this database through again. */
  allow(database: string): void;
}
