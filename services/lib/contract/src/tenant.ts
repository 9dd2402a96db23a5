declare const tenantBrand: unique symbol;

/**
 * Name of a tenant. No key, subject, collection or path can be made without one,
 * and the only ways to get one are {@link tenantId} and {@link DEFAULT_TENANT}.
 */
export type TenantId = string & { readonly [tenantBrand]: true };

/** The shape of a tenant's name: a DNS label, so that it fits subjects, paths, hosts and database names. */
export const TENANT_ID_PATTERN = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** True when `value` is a well-formed tenant name; says nothing about whether the tenant exists. */
export function isTenantId(value: string): value is TenantId {
  return TENANT_ID_PATTERN.test(value);
}

/**
 * Checks `value` and returns it as a tenant name.
 * @throws RangeError that quotes the value, when it is not a DNS label of 1 to 63 characters.
 */
export function tenantId(value: string): TenantId {
  if (isTenantId(value)) return value;
  throw new RangeError(
    `tenant ${JSON.stringify(value.slice(0, 80))} is not a name: use 1 to 63 of a-z, 0-9 and -, no - at the ends`,
  );
}

/** The tenant at the root of the endpoints, the only one that clients reach without a host name or path prefix. */
export const DEFAULT_TENANT: TenantId = tenantId('default');

/** The tenant of the prober, which the operator creates: not a customer's, and in no list of tenants or total. */
export const PROBE_TENANT: TenantId = tenantId('openim-probe');

/** Path by which clients reach a tenant below every endpoint: empty for the default one, else `/t/<id>`. */
export function tenantPath(id: string): string {
  return id === DEFAULT_TENANT ? '' : `/t/${id}`;
}

/** The address of a tenant below an endpoint, such as `http://host:10002`; empty stays empty. */
export function tenantURL(endpoint: string, id: string): string {
  return endpoint === '' ? endpoint : `${endpoint}${tenantPath(id)}`;
}

/** The endpoint, without `/` at its end, that a tenant's address is below: the inverse of {@link tenantURL}. */
export function endpointOf(url: string): string {
  // A host may be `t`.
  return url.replace(/((?<!\/)\/t\/[^/?]+)?\/?$/, '');
}

const TENANT_PREFIX = /^\/t\/([^/?]+)(?=[/?]|$)/;

/** The path prefix of a tenant in front of a URL. */
export interface TenantPrefix {
  /** What stands in the place of the tenant's name; it need not be one. */
  readonly name: string;
  /** `/t/<name>`. */
  readonly prefix: string;
  /** The rest of the URL, query included; begins with `/`. */
  readonly url: string;
}

/** Splits `/t/<name>` from a URL without host. @returns undefined when there is no such prefix. */
export function splitTenantPrefix(url: string): TenantPrefix | undefined {
  const match = TENANT_PREFIX.exec(url);
  if (!match) return undefined;
  const [prefix, name = ''] = match;
  const rest = url.slice(prefix.length);
  return { name, prefix, url: rest.startsWith('/') ? rest : `/${rest}` };
}
