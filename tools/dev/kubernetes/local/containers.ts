import { readdir, readFile, readlink, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError, runCommand } from '@im/dev-stores';
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

const CONTROL_GROUPS = '/sys/fs/cgroup';
/** Polls until processes that were killed are gone. */
const GONE_POLLS = 100;
const GONE_POLL_MS = 100;

/** Kills what a containerd that ended before its containers has left running: their processes and shims. */
export async function killRemainingContainers(): Promise<void> {
  for (let polls = 0; ; polls++) {
    const pids = new Set([...(await remainingShims()), ...(await processesOfPods())]);
    if (pids.size === 0) return;
    if (polls === GONE_POLLS) throw new Error(`processes of pods do not end: ${[...pids].join(' ')}`);
    for (const pid of pids) kill(pid);
    await sleep(GONE_POLL_MS);
  }
}

async function remainingShims(): Promise<number[]> {
  const processes = lines(await runCommand('ps', ['-eo', 'pid=,stat=,args=']));
  return processes
    .map((line) => /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line)?.slice(1) ?? [])
    .filter(([, state = '', args = '']) => {
      const isShim = args.includes('/containerd-shim-') && args.includes(` -address ${runPath()}/`);
      return isShim && !state.startsWith('Z');
    })
    .map(([pid]) => Number(pid));
}

async function processesOfPods(): Promise<number[]> {
  const found = await Promise.all((await podControlGroups()).map(processesBelow));
  return found.flat();
}

/** Control groups of all pods: one with version 2 of control groups, else one for each kind of resource. */
async function podControlGroups(): Promise<string[]> {
  return ['', ...(await readdir(CONTROL_GROUPS))].map((kind) => join(CONTROL_GROUPS, kind, 'kubepods'));
}

async function processesBelow(group: string): Promise<number[]> {
  const inside = await readdir(group, { withFileTypes: true }).catch(() => []);
  const own = await readFile(join(group, 'cgroup.procs'), 'utf8').catch(() => '');
  const below = await Promise.all(
    inside.filter((entry) => entry.isDirectory()).map((entry) => processesBelow(join(group, entry.name))),
  );
  return [...lines(own).map(Number), ...below.flat()];
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Removes mounts, network namespaces, control groups and files that ended containers leave on the machine. */
export async function removeContainerRemains(): Promise<void> {
  await unmountBelow(LOCAL.state, LOCAL.run);
  for (const line of lines(await runCommand('ip', ['netns', 'list']))) {
    const [name = ''] = line.split(' ');
    if (name.startsWith('cni-')) await tolerantly(runCommand('ip', ['netns', 'delete', name]));
  }
  // Their files are the kernel's and go with the folders.
  for (const group of await podControlGroups()) await removeFoldersWithoutFiles(group);
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
