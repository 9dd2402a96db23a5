import { readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const TERM_MS = 15_000;
const KILL_MS = 5_000;
const POLL_MS = 50;

/** Notes the process id of the server that uses a data folder. */
export async function writePidFile(path: string, pid: number): Promise<void> {
  await writeFile(path, `${pid}\n`);
}

/**
 * Ends the server that a crashed parent left behind, if the pid file names a process that runs in `dir` (a reused
 * process id does not; command lines do not help, as Redis overwrites its own). SIGTERM first, SIGKILL after 15 s.
 * Returns the pid it ended.
 */
export async function reapStale(pidFile: string, dir: string): Promise<number | undefined> {
  const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
  if (!Number.isSafeInteger(pid) || pid <= 1 || !(await belongsTo(pid, dir))) return undefined;
  signal(pid, 'SIGCONT');
  signal(pid, 'SIGTERM');
  if (!(await gone(pid, dir, TERM_MS))) {
    signal(pid, 'SIGKILL');
    if (!(await gone(pid, dir, KILL_MS)))
      throw new Error(`process ${pid} still uses ${dir} and does not end`);
  }
  await rm(pidFile, { force: true });
  return pid;
}

async function belongsTo(pid: number, dir: string): Promise<boolean> {
  return (await readlink(`/proc/${pid}/cwd`).catch(() => undefined)) === dir;
}

async function gone(pid: number, dir: string, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (await belongsTo(pid, dir)) {
    if (performance.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
