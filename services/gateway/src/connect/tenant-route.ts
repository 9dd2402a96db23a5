import { DEFAULT_TENANT, isTenantId, splitTenantPrefix, type TenantSettings } from '@im/contract';
import type { TenantDirectory } from '@im/kit';
import { ERR, ImError } from '@im/protocol';

/**
 * The tenant that a request is for: the one of the path prefix `/t/<tenant>`, else the one that the
 * host name belongs to, else the default one. Any other path is the same endpoint.
 * @param path the URL's part before `?`.
 * @throws ImError 1602 for a prefix that names no tenant, 90004 (retryable) for a suspended one, for one
 * whose settings are invalid, and while the default one is not known yet.
 */
export function routeTenant(tenants: TenantDirectory, path: string, host: string): TenantSettings {
  const settings = byPath(tenants, path) ?? byHost(tenants, host) ?? tenants.get(DEFAULT_TENANT);
  if (!settings) throw new ImError(ERR.NetworkError, 'tenants are not known yet');
  if (settings.suspended) throw new ImError(ERR.NetworkError, 'tenant is suspended');
  return settings;
}

function byPath(tenants: TenantDirectory, path: string): TenantSettings | undefined {
  const name = splitTenantPrefix(path)?.name;
  if (name === undefined) return undefined;
  const settings = isTenantId(name) ? tenants.get(name) : undefined;
  if (settings) return settings;
  throw tenants.isRefused(name) ? invalidSettings() : new ImError(ERR.ConnArgsErr, 'no such tenant');
}

/** The clients of a refused tenant must not reach the default one, which would call their tokens wrong. */
function byHost(tenants: TenantDirectory, host: string): TenantSettings | undefined {
  if (tenants.isRefusedHost(host)) throw invalidSettings();
  return tenants.byHost(host);
}

function invalidSettings(): ImError {
  return new ImError(ERR.NetworkError, 'the settings of the tenant are invalid');
}
