import { BlockList, isIP } from 'node:net';
import { argsError } from '@im/protocol';

/**
 * Whether addresses are this one, or in this network.
 * @param text an address, or a network such as `10.0.0.0/8`
 * @throws ImError 1001 for anything else.
 */
export function addressFilter(text: string): (address: string) => boolean {
  const wrong = () =>
    argsError(`address must be an address or a network, such as 10.1.2.3 or 10.0.0.0/8: it is ${text}`);
  const [, base = text, prefix] = /^(.+)\/(\d{1,3})$/.exec(text) ?? [];
  const family = familyOf(base);
  if (!family) throw wrong();
  const list = new BlockList();
  try {
    if (prefix === undefined) list.addAddress(base, family);
    else list.addSubnet(base, Number(prefix), family);
  } catch {
    throw wrong();
  }
  return (address) => {
    const kind = familyOf(address);
    return kind !== undefined && list.check(address, kind);
  };
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : undefined;
}
