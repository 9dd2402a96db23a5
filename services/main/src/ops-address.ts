import { hostname, type NetworkInterfaceInfo, networkInterfaces } from 'node:os';

type Interfaces = Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

const EVERYWHERE = ['0.0.0.0', '::'];

/**
 * Host and port by which other machines reach the ops port: the address that the process listens on, or else the first one
 * of the machine, IPv4 before IPv6; its name when it has none.
 */
export function opsAddress(
  listen: string,
  port: number,
  interfaces: Interfaces = networkInterfaces(),
): string {
  const host = EVERYWHERE.includes(listen) ? (firstAddress(interfaces) ?? hostname()) : listen;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function firstAddress(interfaces: Interfaces): string | undefined {
  const external = Object.values(interfaces).flatMap((all = []) =>
    // Link-local addresses mean something on their own network alone.
    all.filter(({ internal, address }) => !internal && !/^(169\.254\.|fe80:)/.test(address)),
  );
  return (external.find(({ family }) => family === 'IPv4') ?? external[0])?.address;
}
