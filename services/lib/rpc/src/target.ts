import { isIP } from 'node:net';

/**
 * gRPC's name for a list of addresses: one `host:port` or `dns:///name:port`, or several `ip:port`.
 * @throws RangeError that names the domain's setting and what is wrong with it.
 */
export function grpcTarget(domain: string, addresses: readonly string[]): string {
  const setting = `rpc.domains.${domain}.addresses`;
  const [only] = addresses;
  if (only === undefined) throw new RangeError(`${setting} is empty: name at least one host:port`);
  if (addresses.length === 1)
    return only.includes(':///') ? only : `dns:///${checked(setting, only).address}`;
  const parts = addresses.map((address) => checked(setting, address));
  for (const { host, address } of parts) {
    if (isIP(host) === 0) {
      throw new RangeError(
        `${setting}: ${address} is a name among several addresses: give IP addresses, or one dns:///name:port`,
      );
    }
  }
  const families = new Set(parts.map(({ host }) => isIP(host)));
  if (families.size > 1) throw new RangeError(`${setting} mixes IPv4 and IPv6 addresses`);
  return `ipv${[...families].join()}:${parts.map(({ address }) => address).join(',')}`;
}

function checked(setting: string, address: string): { host: string; address: string } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) throw new RangeError(`${setting}: ${address} is not host:port`);
  return { host, address };
}
