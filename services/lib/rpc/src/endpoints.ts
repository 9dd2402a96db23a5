import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Where processes listen: an IP address, or a name that stands for all its addresses. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * The addresses of a domain's setting.
 * @throws RangeError that names the setting and what is wrong with it.
 */
export function parseEndpoints(domain: string, addresses: readonly string[]): Endpoint[] {
  const setting = `rpc.domains.${domain}.addresses`;
  if (addresses.length === 0) throw new RangeError(`${setting} is empty: name at least one host:port`);
  return addresses.map((address) => {
    const match = /^(?:dns:\/\/\/)?(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]\s]+)):(\d{1,5})$/.exec(address);
    const host = match?.[1] ?? match?.[2];
    const port = Number(match?.[3]);
    if (host === undefined || port < 1 || port > 65_535) {
      throw new RangeError(`${setting}: ${address} is not host:port or dns:///name:port`);
    }
    return { host, port };
  });
}

/** Whether an address, with or without port, is of this machine alone. */
export function isLoopback(address: string): boolean {
  return /^(?:dns:\/\/\/)?(?:localhost|127(?:\.\d+){3}|::1|\[::1\])(?::\d+)?$/.test(address);
}

/** Whether the addresses of these endpoints may change. */
export function hasNames(endpoints: readonly Endpoint[]): boolean {
  return endpoints.some(({ host }) => isIP(host) === 0);
}

/** The gRPC addresses of all processes behind these endpoints. @throws when a name cannot be resolved. */
export async function resolveEndpoints(endpoints: readonly Endpoint[]): Promise<Set<string>> {
  const lists = await Promise.all(
    endpoints.map(async ({ host, port }) => {
      if (isIP(host) !== 0) return [grpcAddress(host, port)];
      const found = await lookup(host, { all: true });
      return found.map(({ address }) => grpcAddress(address, port));
    }),
  );
  return new Set(lists.flat());
}

function grpcAddress(ip: string, port: number): string {
  return isIP(ip) === 6 ? `ipv6:[${ip}]:${port}` : `ipv4:${ip}:${port}`;
}
