/** Path of the console's root, with a `/` at its end, below whatever prefix it is served. */
export const CONSOLE_PATH = new URL(document.baseURI).pathname;

/** URL of the HTTP API of the page's own address: below the console, so that whatever leads to the page leads to it. */
export const OWN_API = new URL('_api', document.baseURI).href;

/** URL of the HTTP API of a tenant. */
export function apiUrl(tenant: string): string {
  return `${OWN_API}/t/${encodeURIComponent(tenant)}`;
}
