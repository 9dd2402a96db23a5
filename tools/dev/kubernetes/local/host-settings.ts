import { access, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { runCommand } from '@im/dev-stores';
import { LOCAL, statePath } from './settings.ts';

/** Kernel settings that up, kubelet and kube-proxy change. */
const CHANGED = [
  'kernel.panic',
  'kernel.panic_on_oops',
  'kernel.keys.root_maxkeys',
  'kernel.keys.root_maxbytes',
  'vm.overcommit_memory',
  'vm.panic_on_oom',
  'net.ipv4.conf.all.route_localnet',
  'net.ipv4.ip_forward',
  'net.bridge.bridge-nf-call-iptables',
];
const NEEDED: Readonly<Record<string, string>> = {
  'net.ipv4.ip_forward': '1',
  'net.bridge.bridge-nf-call-iptables': '1',
};

const SAVED = statePath('kernel-settings.json');

/** Notes the kernel's settings unless they are noted already, and makes those that Kubernetes needs. */
export async function changeHostSettings(): Promise<void> {
  if (!(await exists(settingPath('net.bridge.bridge-nf-call-iptables')))) {
    // Where it is neither a module nor built in, services are not reachable from pods of the same node.
    await runCommand('modprobe', ['br_netfilter']);
  }
  if (!(await exists(SAVED))) {
    const values = await Promise.all(CHANGED.map(async (name) => [name, await readSetting(name)] as const));
    await mkdir(dirname(SAVED), { recursive: true });
    await writeFile(SAVED, JSON.stringify(Object.fromEntries(values), null, 2));
  }
  for (const [name, value] of Object.entries(NEEDED)) await writeFile(settingPath(name), value);
  if (!(await hasLink(LOCAL.bridge))) {
    await runCommand('ip', ['link', 'add', LOCAL.bridge, 'type', 'bridge']);
    await runCommand('ip', ['addr', 'add', `${LOCAL.nodeAddress}/24`, 'dev', LOCAL.bridge]);
  }
  await runCommand('ip', ['link', 'set', LOCAL.bridge, 'up']);
  // The kernel looks for a route before rules turn the address of a service into that of a pod.
  await runCommand('ip', ['route', 'replace', LOCAL.serviceRange, 'dev', LOCAL.bridge]);
}

/** Puts everything back that `changeHostSettings` and the node's programs changed, network links included. */
export async function restoreHostSettings(): Promise<void> {
  for (const link of [LOCAL.podBridge, LOCAL.secondPodBridge, LOCAL.bridge]) {
    // The kernel removes a pod's link only when the last of its sockets is closed, which may take a minute.
    for (const port of await readdir(`/sys/class/net/${link}/brif`).catch(() => [])) {
      await removeLink(port);
    }
    await removeLink(link);
  }
  const saved = await readFile(SAVED, 'utf8').catch(() => undefined);
  if (saved === undefined) return;
  for (const [name, value] of Object.entries(JSON.parse(saved) as Record<string, string | null>)) {
    if (value !== null && value !== (await readSetting(name))) await writeFile(settingPath(name), value);
  }
  await rm(SAVED);
}

async function removeLink(name: string): Promise<void> {
  try {
    if (await hasLink(name)) await runCommand('ip', ['link', 'del', name]);
  } catch (error) {
    // The kernel may have been quicker.
    if (await hasLink(name)) throw error;
  }
}

async function hasLink(name: string): Promise<boolean> {
  return exists(`/sys/class/net/${name}`);
}

function settingPath(name: string): string {
  return `/proc/sys/${name.replaceAll('.', '/')}`;
}

async function readSetting(name: string): Promise<string | null> {
  return readFile(settingPath(name), 'utf8').then(
    (text) => text.trim(),
    () => null,
  );
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
