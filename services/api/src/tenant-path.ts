import { DEFAULT_TENANT, isTenantId, type TenantSettings } from '@im/contract';
import type { TenantDirectory } from '@im/kit';

const PREFIX = /^\/t\/([^/?]+)(?=[/?]|$)/;

/** A URL without its tenant, and who that is. */
export interface TenantPath {
  /** Undefined for a prefix that names no tenant, or while the default tenant is not known. */
  readonly tenant: TenantSettings | undefined;
  /** The tenant is configured, but its settings are invalid. */
  readonly refused: boolean;
  /** `/t/<tenant>`, or empty when the host or nothing named the tenant; object URLs begin with it. */
  readonly prefix: string;
  /** The rest of the URL, query included; begins with `/`. */
  readonly url: string;
}

/**
 * The tenant that a request is for: that of the path prefix `/t/<tenant>`, else of the host name, else the
 * default. The clients of a refused tenant must not reach the default one, which would call their tokens wrong.
 */
export function splitTenantPath(tenants: TenantDirectory, url: string, host: string): TenantPath {
  const match = PREFIX.exec(url);
  if (!match) {
    const refused = tenants.isRefusedHost(host);
    const tenant = refused ? undefined : (tenants.byHost(host) ?? tenants.get(DEFAULT_TENANT));
    return { tenant, refused, prefix: '', url };
  }
  const [prefix, name = ''] = match;
  const rest = url.slice(prefix.length);
  return {
    tenant: isTenantId(name) ? tenants.get(name) : undefined,
    refused: tenants.isRefused(name),
    prefix,
    url: rest.startsWith('/') ? rest : `/${rest}`,
  };
}
