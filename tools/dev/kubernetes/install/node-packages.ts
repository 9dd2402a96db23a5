import { access } from 'node:fs/promises';
import { aptCommand, findOnPath, installDebianPackages } from '@im/dev-stores';

/** Debian package -> a command or, with a slash, a file that it brings. */
const NEEDED: Readonly<Record<string, string>> = {
  containerd: 'containerd',
  runc: 'runc',
  'containernetworking-plugins': '/usr/lib/cni/bridge',
  iptables: 'iptables',
  conntrack: 'conntrack',
  socat: 'socat',
  ebtables: 'ebtables',
  kmod: 'modprobe',
  ethtool: 'ethtool',
  iproute2: 'ip',
};

/** Debian packages that a node of the local cluster needs and that are not here. */
export async function missingNodePackages(): Promise<string[]> {
  const found = await Promise.all(
    Object.entries(NEEDED).map(async ([name, item]) => [name, await isThere(item)] as const),
  );
  return found.filter(([, there]) => !there).map(([name]) => name);
}

/** Installs what is missing of them, saying so first. Throws with what to do when it cannot. */
export async function installNodePackages(print: (line: string) => void): Promise<void> {
  const missing = await missingNodePackages();
  if (missing.length === 0) return;
  if (await installDebianPackages(missing, print)) {
    const still = await missingNodePackages();
    if (still.length > 0) throw new Error(`installed, but not found afterwards: ${still.join(', ')}`);
    return;
  }
  throw new Error(`the local cluster needs ${missing.join(', ')}; ${aptCommand(missing)}`);
}

async function isThere(item: string): Promise<boolean> {
  if (!item.startsWith('/')) return (await findOnPath(item)) !== undefined;
  return access(item).then(
    () => true,
    () => false,
  );
}
