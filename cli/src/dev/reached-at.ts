/** The host of URLs that lead to what listens on this address: one that is reached, and IPv6 in brackets. */
export function reachedAt(listenHost: string): string {
  if (listenHost === '0.0.0.0') return '127.0.0.1';
  if (listenHost === '::') return '[::1]';
  return listenHost.includes(':') ? `[${listenHost}]` : listenHost;
}
