import type {
  ProcessStatus,
  TenantPurge,
  TenantPurgeReport,
  TenantRefusalsReport,
  TenantsReport,
  TenantsUpdate,
  TenantUsagePage,
  TenantUsageQuery,
} from '@im/contract';

/** Requests to the ops port of a process of a cluster. */
export interface ProcessApi {
  /** The status that the process reports. @throws when it does not answer within two seconds. */
  status(host: string, signal: AbortSignal): Promise<ProcessStatus>;
  /** Makes a gateway refuse new connections and close its own. Repeating the same request changes nothing. */
  drain(at: ActionTarget, order: DrainOrder, signal: AbortSignal): Promise<void>;
  /** Cancels a drain. */
  undrain(at: ActionTarget, signal: AbortSignal): Promise<void>;
  /** Makes a gateway close some of its connections without refusing new ones; replaces an order before. */
  shed(at: ActionTarget, order: ShedOrder, signal: AbortSignal): Promise<void>;
  /** Changes the tenants of a process, unless it has others than the update assumes. */
  tenants(at: ActionTarget, update: TenantsUpdate, signal: AbortSignal): Promise<TenantsAnswer>;
  /** Begins to remove everything that is stored of a tenant, or goes on; to be repeated until it is done. */
  purgeTenant(at: ActionTarget, order: TenantPurge, signal: AbortSignal): Promise<TenantPurgeReport>;
  /** A page of what the tenants of the cluster use; asked of a process with the domain `user`. */
  tenantUsage(at: ActionTarget, query: TenantUsageQuery, signal: AbortSignal): Promise<TenantUsagePage>;
  /** What limits of tenants have refused in a process since its start. */
  tenantRefusals(at: ActionTarget, signal: AbortSignal): Promise<TenantRefusalsReport>;
}

/** Answer to a change of tenants. */
export interface TenantsAnswer {
  readonly accepted: boolean;
  /** What the process has afterwards. */
  readonly report: TenantsReport;
}

/** Address and credential of an action. */
export interface ActionTarget {
  readonly host: string;
  /** Key of its cluster. */
  readonly key: string;
}

/** How a gateway drains. */
export interface DrainOrder {
  /** Deadline, ms since the epoch. */
  readonly until: number;
  /** Connections to close per second, for `ttlSeconds`. @default the pace of the gateway's config */
  readonly maxPerSecond?: number;
  /** Validity of `maxPerSecond`, s; afterwards the gateway falls back to the pace of its config. */
  readonly ttlSeconds?: number;
}

/** What a gateway sheds. */
export interface ShedOrder {
  /** Connections to close; 0 cancels the order before. */
  readonly count: number;
  readonly maxPerSecond: number;
}

const TIMEOUT_MS = 2_000;
/** Of what reads the stores for many tenants. */
const LONG_TIMEOUT_MS = 10_000;

interface Action {
  readonly key: string;
  readonly body?: object;
  /** Status of an answer that is none of an error, besides 2xx. */
  readonly expected?: number;
  /** @default {@link TIMEOUT_MS} */
  readonly timeoutMs?: number;
}

/** {@link ProcessApi} over HTTP. */
export function httpProcessApi(port: number): ProcessApi {
  async function call(host: string, path: string, signal: AbortSignal, action?: Action) {
    const method = action ? 'POST' : 'GET';
    const address = host.includes(':') ? `[${host}]` : host;
    const response = await fetch(`http://${address}:${port}${path}`, {
      method,
      signal: AbortSignal.any([signal, AbortSignal.timeout(action?.timeoutMs ?? TIMEOUT_MS)]),
      ...(action && { headers: { authorization: `Bearer ${action.key}` } }),
      ...(action?.body && { body: JSON.stringify(action.body) }),
    });
    const text = await response.text();
    if (!response.ok && response.status !== action?.expected)
      throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 200)}`);
    return { text, ok: response.ok };
  }
  return {
    status: async (host, signal) => JSON.parse((await call(host, '/status', signal)).text) as ProcessStatus,
    async drain({ host, key }, order, signal) {
      // Older gateways know the relative deadline alone.
      const withinSeconds = Math.max(1, Math.ceil((order.until - Date.now()) / 1_000));
      await call(host, '/drain', signal, { key, body: { ...order, withinSeconds } });
    },
    async undrain({ host, key }, signal) {
      await call(host, '/undrain', signal, { key });
    },
    async shed({ host, key }, order, signal) {
      await call(host, '/shed', signal, { key, body: order });
    },
    async tenants({ host, key }, update, signal) {
      const { text, ok } = await call(host, '/tenants', signal, { key, body: update, expected: 409 });
      return { accepted: ok, report: JSON.parse(text) as TenantsReport };
    },
    async purgeTenant({ host, key }, order, signal) {
      const { text } = await call(host, '/tenants/purge', signal, { key, body: order });
      return JSON.parse(text) as TenantPurgeReport;
    },
    async tenantUsage({ host, key }, query, signal) {
      const action = { key, body: query, timeoutMs: LONG_TIMEOUT_MS };
      return JSON.parse((await call(host, '/tenants/usage', signal, action)).text) as TenantUsagePage;
    },
    async tenantRefusals({ host, key }, signal) {
      const { text } = await call(host, '/tenants/refusals', signal, { key, body: {} });
      return JSON.parse(text) as TenantRefusalsReport;
    },
  };
}
