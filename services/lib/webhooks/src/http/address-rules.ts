import { BlockList, isIP } from 'node:net';

/** Networks that no receiver on the Internet is in: private, loopback, link-local, metadata services, documentation. */
const INTERNAL: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/9',
  'ff00::/8',
];

/** Which addresses receivers may have. */
export interface AddressRules {
  /** Whether a connection to this IP address may be made. */
  allows(address: string): boolean;
}

/**
 * Public addresses, and those of the given networks.
 * @param allowed networks in CIDR notation or single addresses.
 * @throws RangeError for what is none.
 */
export function addressRules(allowed: readonly string[]): AddressRules {
  const internal = listOf(INTERNAL);
  const listed = listOf(allowed);
  return {
    allows(address) {
      const plain = embeddedIPv4(address.replace(/%.*$/, ''));
      const version = isIP(plain);
      if (version === 0) return false;
      const family = version === 4 ? 'ipv4' : 'ipv6';
      return listed.check(plain, family) || !internal.check(plain, family);
    },
  };
}

/** The IPv4 address that an IPv4-mapped IPv6 address stands for; any other as it is. */
function embeddedIPv4(address: string): string {
  if (isIP(address) !== 6) return address;
  // The URL parser writes every spelling of an address in one way.
  const compressed = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(compressed) ?? [];
  if (high === undefined || low === undefined) return address;
  const bits = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return bits.flatMap((word) => [word >> 8, word & 255]).join('.');
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const version = isIP(address);
    const family = version === 4 ? 'ipv4' : 'ipv6';
    const most = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : Number(bits);
    if (version === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > most)
      throw new RangeError(`${network} is no network, such as 10.0.0.0/8`);
    list.addSubnet(address, prefix, family);
  }
  return list;
}
