import { readFile } from 'node:fs/promises';

/** Names one process for good: a pid alone may be used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time since boot in clock ticks. */
  readonly startTicks: string;
}

/** The state of a process in /proc; undefined when there is none. */
export async function processStat(
  pid: number,
): Promise<(ProcessIdentity & { readonly state: string }) | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    // Source: proc_pid_stat(5); the name in brackets may hold anything, the fields after it are plain.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { pid, state: fields[0] ?? '', startTicks: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

/** Whether that very process lives, and not only its zombie. */
export async function isAlive({ pid, startTicks }: ProcessIdentity): Promise<boolean> {
  const stat = await processStat(pid);
  return stat !== undefined && stat.startTicks === startTicks && stat.state !== 'Z';
}

/** Sends a signal to a process, which may have ended. */
export function sendSignal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
