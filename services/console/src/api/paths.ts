/** Path of the console's root, with a `/` at its end: `/console/` below whatever prefix it is served. */
export const CONSOLE_PATH = new URL(document.baseURI).pathname;

/** URL of the HTTP API without a tenant: where the console is, without its own tenant's prefix. */
const API_ROOT = new URL('..', document.baseURI).href.replace(/\/t\/[^/]+\/$/, '/');

/** URL of the HTTP API of a tenant. */
export function apiUrl(tenant: string): string {
  return `${API_ROOT}t/${encodeURIComponent(tenant)}`;
}

/** URL of the HTTP API at which the console itself is. */
export const OWN_API = new URL('..', document.baseURI).href.replace(/\/$/, '');
