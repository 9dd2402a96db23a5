/** The host for URLs of a server that listens on this address: reachable, and IPv6 in brackets. */
export function reachedAt(listenHost: string): string {
  if (listenHost === '0.0.0.0') return '127.0.0.1';
  if (listenHost === '::') return '[::1]';
  return listenHost.includes(':') ? `[${listenHost}]` : listenHost;
}
