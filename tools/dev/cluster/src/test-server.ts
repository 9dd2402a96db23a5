import type { Admin, Endpoint } from '@im/client';
import type { Metrics } from './metrics.ts';

/** A gateway of a cluster, as tests observe and disrupt it. */
export interface TestGateway {
  readonly name: string;
  metrics(): Promise<Metrics>;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
  /** Starts it again; where something else does that by itself, this does nothing. */
  start(): void;
  /** Waits until it takes connections. */
  untilReady(timeoutMs?: number): Promise<void>;
}

/** What tests of clients need of a running server, whether it runs as processes or on Kubernetes. */
export interface TestServer extends AsyncDisposable {
  /** Folder for logs and facts of the run. */
  readonly dir: string;
  readonly gateways: readonly TestGateway[];
  /** Where a tenant is reached; `gateway` counts from 0. */
  endpoint(tenant: string, gateway?: number): Endpoint;
  /** Administration of a tenant, one client per tenant. */
  admin(tenant: string): Admin;
  /** Releases the resources of the run. */
  close(): Promise<void>;
}
