import { readdir, readFile, readlink, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, runCommand } from '@im/dev-stores';
import { sendSignal } from '../process-stat.ts';
import { containerdSocket, LOCAL, runPath, statePath } from './settings.ts';

/** Runs containerd's client in the namespace that kubelet uses. */
export function ctr(...args: readonly string[]): Promise<string> {
  return ctrAt(containerdSocket, ...args);
}

/** The same for the containerd at a socket. */
export function ctrAt(socket: string, ...args: readonly string[]): Promise<string> {
  return runCommand('ctr', ['--address', socket, '--namespace', 'k8s.io', ...args]);
}

/** Names of the images that are loaded. */
export async function loadedImages(): Promise<Set<string>> {
  return new Set(lines(await ctr('images', 'ls', '-q')));
}

/** Loads an image's tarball under the name that it carries. */
export async function importImage(tarball: string): Promise<void> {
  await ctr('images', 'import', tarball);
}

/** Ends every container and forgets it. Images stay. Needs containerd. */
export async function removeAllContainers(socket: string = containerdSocket): Promise<void> {
  const ctr = (...args: readonly string[]) => ctrAt(socket, ...args);
  for (let attempt = 1; ; attempt++) {
    const tasks = lines(await ctr('tasks', 'ls', '-q'));
    if (tasks.length === 0) break;
    if (attempt > 20) throw new Error(`containers do not end: ${tasks.join(' ')}`);
    await Promise.all(
      tasks.map(async (task) => {
        await tolerantly(ctr('tasks', 'kill', '--signal=SIGKILL', task));
        await tolerantly(ctr('tasks', 'rm', '--force', task));
      }),
    );
    await sleep(100 * attempt);
  }
  const containers = lines(await ctr('containers', 'ls', '-q'));
  if (containers.length > 0) await tolerantly(ctr('containers', 'rm', ...containers));
}

/** Polls until processes that were killed are gone. */
const GONE_POLLS = 100;
const GONE_POLL_MS = 100;

/**
 * Kills what a containerd of the local cluster that ended before its containers has left running: their shims, and all
 * below them. Pods of another Kubernetes on the machine stay.
 */
export async function killRemainingContainers(): Promise<void> {
  for (let polls = 0; ; polls++) {
    const pids = await remainingProcesses();
    if (pids.length === 0) return;
    if (polls === GONE_POLLS) throw new Error(`processes of pods do not end: ${pids.join(' ')}`);
    for (const pid of pids) sendSignal(pid, 'SIGKILL');
    await sleep(GONE_POLL_MS);
  }
}

async function remainingProcesses(): Promise<number[]> {
  const processes = lines(await runCommand('ps', ['-eo', 'pid=,ppid=,stat=,args='])).flatMap((line) => {
    const [, pid, parent, state = '', args = ''] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
    return state.startsWith('Z') ? [] : [{ pid: Number(pid), parent: Number(parent), args }];
  });
  const isShim = (args: string) =>
    args.includes('/containerd-shim-') && args.includes(` -address ${runPath()}/`);
  const found = new Set(processes.filter(({ args }) => isShim(args)).map(({ pid }) => pid));
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** Removes mounts, network namespaces, control groups and files that ended containers leave on the machine. */
export async function removeContainerRemains(): Promise<void> {
  await unmountBelow(LOCAL.state, LOCAL.run);
  for (const line of lines(await runCommand('ip', ['netns', 'list']))) {
    const [name = ''] = line.split(' ');
    if (name.startsWith('cni-')) await tolerantly(runCommand('ip', ['netns', 'delete', name]));
  }
  for (const hierarchy of ['', ...(await readdir('/sys/fs/cgroup'))]) {
    // Its files are the kernel's and go with the folder.
    await removeFoldersWithoutFiles(join('/sys/fs/cgroup', hierarchy, 'kubepods'));
  }
  await Promise.all(
    [statePath('cni', 'ipam'), '/var/lib/cni/results'].map((path) =>
      rm(path, { recursive: true, force: true }),
    ),
  );
}

/** Removes all mounts below some folders. */
export async function unmountBelow(...dirs: readonly string[]): Promise<void> {
  const mounts = lines(await readFile('/proc/self/mounts', 'utf8'))
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => dirs.some((dir) => path.startsWith(`${dir}/`)))
    .sort()
    .reverse();
  for (const path of mounts) await tolerantly(runCommand('umount', ['--lazy', path]));
}

/** Folders that the node's programs make at fixed places. */
const FIXED_PLACES = [
  '/run/containerd',
  '/run/netns',
  '/var/lib/cni',
  '/var/lib/kubelet',
  '/var/log/containers',
  '/usr/libexec/kubernetes',
];

/** Removes their remains, but only their own: others may use the same folders. */
export async function removeNodeRemains(): Promise<void> {
  const podLogs = '/var/log/containers';
  for (const name of await readdir(podLogs).catch(() => [])) {
    const path = join(podLogs, name);
    const target = await readlink(path).catch(() => '');
    if (target.startsWith(`${LOCAL.state}/`)) await rm(path);
  }
  await rm('/var/lib/kubelet/device-plugins/kubelet.sock', { force: true });
  for (const place of FIXED_PLACES) await removeFoldersWithoutFiles(place);
}

async function removeFoldersWithoutFiles(dir: string): Promise<void> {
  const inside = await readdir(dir, { withFileTypes: true }).catch(() => []);
  for (const entry of inside) {
    if (entry.isDirectory()) await removeFoldersWithoutFiles(join(dir, entry.name));
  }
  await rmdir(dir).catch(() => undefined);
}

/** What is gone already by itself need not be removed. */
async function tolerantly(work: Promise<unknown>): Promise<void> {
  await work.catch((error: Error) => {
    if (!(error instanceof CommandError)) throw error;
  });
}

function lines(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
