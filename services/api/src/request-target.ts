import type { IncomingHttpHeaders } from 'node:http';
import { ADMIN_BASE } from '@im/admin-api';
import { DEFAULT_TENANT, isTenantId, splitTenantPrefix, type TenantSettings } from '@im/contract';
import type { TenantDirectory } from '@im/kit';

/** A URL split into its tenant and the rest. */
export interface TenantPath {
  /** Undefined for an unknown tenant, or while the default tenant is not known. */
  readonly tenant: TenantSettings | undefined;
  /** The tenant is configured, but its settings are invalid. */
  readonly refused: boolean;
  /** `/t/<tenant>`, or empty when the tenant follows from the host or is the default; object URLs begin with it. */
  readonly prefix: string;
  /** The rest of the URL, query included; begins with `/`. */
  readonly url: string;
}

/**
 * The tenant that a request is for: that of the path prefix `/t/<tenant>`, else of the host name, else the
 * default. Clients of a refused tenant must not reach the default one, which would refuse their tokens.
 */
export function splitTenantPath(tenants: TenantDirectory, url: string, host: string): TenantPath {
  const split = splitTenantPrefix(url);
  if (!split) {
    const refused = tenants.isRefusedHost(host);
    const tenant = refused ? undefined : (tenants.byHost(host) ?? tenants.get(DEFAULT_TENANT));
    return { tenant, refused, prefix: '', url };
  }
  const { name, prefix } = split;
  return {
    tenant: isTenantId(name) ? tenants.get(name) : undefined,
    refused: tenants.isRefused(name),
    prefix,
    url: split.url,
  };
}

/** Below the path of the console: what its pages ask of the HTTP API. */
const CONSOLE_API = '_api';
/** What pages may ask of it: administration, and objects such as client logs. */
const FOR_PAGES = [`${ADMIN_BASE}/`, '/object/'];

/** A request of a page of the console. */
export interface ConsoleTarget {
  /** The URL at the HTTP API that it stands for; `/404` for what is not for pages. */
  readonly url: string;
  /** What stands in front of the URL without its tenant; object URLs begin with it. */
  readonly prefix: string;
}

/**
 * What a URL below `<path>_api/` stands for, so that a proxy that leads only the path of the console to it leads all that its
 * pages need. A tenant in front of the path is that of a page without a tenant. @returns undefined for other URLs.
 */
export function splitConsolePath(url: string, path: string): ConsoleTarget | undefined {
  const start = `${path}${CONSOLE_API}/`;
  if (!url.includes(start)) return undefined;
  const outer = splitTenantPrefix(url);
  const below = outer?.url ?? url;
  if (!below.startsWith(start)) return undefined;
  const asked = below.slice(start.length - 1);
  const own = splitTenantPrefix(asked);
  const prefix = `${outer?.prefix ?? ''}${path}${CONSOLE_API}${own?.prefix ?? ''}`;
  if (!FOR_PAGES.some((allowed) => (own?.url ?? asked).startsWith(allowed))) return { url: '/404', prefix };
  return { url: own ? asked : `${outer?.prefix ?? ''}${asked}`, prefix };
}

function first(value: string | string[] | undefined): string | undefined {
  return (Array.isArray(value) ? value[0] : value)?.split(',')[0]?.trim();
}

/**
 * Base of a tenant's object URLs, ending in `/object/`: the header `X-Request-Api` if the client sent one, else the host
 * of the request.
 * @param prefix `/t/<tenant>` when the request came by that path.
 */
export function objectURL(headers: IncomingHttpHeaders, secure: boolean, prefix: string): string {
  const given = first(headers['x-request-api']);
  if (given) return `${given.replace(/\/$/, '')}/object/`;
  const scheme = first(headers['x-forwarded-proto']) ?? (secure ? 'https' : 'http');
  return `${scheme}://${headers.host ?? ''}${prefix}/object/`;
}
