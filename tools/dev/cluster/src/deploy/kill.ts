import { readdirSync, readFileSync } from 'node:fs';
import { sleep } from '@im/kit';
import type { Pod } from './resources.ts';

const GONE_MS = 5_000;

/**
 * Ends every process of a pod's first container by SIGKILL, as the kernel's memory killer would, and
 * waits until they are gone. For nodes whose processes this machine sees, and needs root.
 */
export async function killContainer(pod: Pod): Promise<void> {
  const [container] = pod.status?.containerStatuses ?? [];
  const id = container?.containerID?.replace(/^\w+:\/\//, '');
  if (!id) throw new Error(`${pod.metadata.name} has no container that runs`);
  const pids = processesOf(id);
  if (pids.length === 0)
    throw new Error(`no process of ${pod.metadata.name} is seen from here (container ${id})`);
  for (const pid of pids) send(pid);
  for (const deadline = performance.now() + GONE_MS; processesOf(id).length > 0; await sleep(5)) {
    if (performance.now() > deadline) throw new Error(`${pod.metadata.name}: processes outlive SIGKILL`);
  }
}

/** Processes whose control group carries the container's id. */
function processesOf(containerID: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => isIn(pid, containerID))
    .map(Number);
}

function isIn(pid: string, containerID: string): boolean {
  try {
    if (!readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(containerID)) return false;
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !stat.slice(stat.lastIndexOf(')')).startsWith(') Z');
  } catch {
    return false;
  }
}

function send(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EPERM')
      throw new Error(`ending process ${pid} of a container needs root`, { cause: error });
    if (code !== 'ESRCH') throw error;
  }
}
