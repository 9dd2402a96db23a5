import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A program that outlives the command that starts it. */
export interface DaemonSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

interface Noted {
  readonly pid: number;
  /** Start time since boot in clock ticks: with the pid it names one process. */
  readonly startTicks: string;
}

const POLL_MS = 50;
const TERM_MS = 10_000;
const TAIL_BYTES = 3_000;

/** Daemons by name, noted in a folder, so that a later command finds and ends exactly what an earlier one started. */
export class Daemons {
  readonly #pids: string;
  readonly #logs: string;

  constructor(dirs: { pids: string; logs: string }) {
    this.#pids = dirs.pids;
    this.#logs = dirs.logs;
  }

  logFile(name: string): string {
    return join(this.#logs, `${name}.log`);
  }

  async isRunning(name: string): Promise<boolean> {
    return (await this.#find(name)) !== undefined;
  }

  /** Starts a daemon unless it runs. */
  async start({ name, command, args, env }: DaemonSpec): Promise<void> {
    if (await this.isRunning(name)) return;
    await Promise.all([mkdir(this.#pids, { recursive: true }), mkdir(this.#logs, { recursive: true })]);
    await using log = await open(this.logFile(name), 'w');
    const child = spawn(command, args, {
      cwd: '/',
      env: { ...process.env, ...env },
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    const { pid } = child;
    if (pid === undefined) {
      const [error] = await new Promise<[Error]>((resolve) => child.once('error', (e) => resolve([e])));
      throw new Error(`cannot run ${command}: ${error.message}`, { cause: error });
    }
    child.unref();
    const startTicks = (await processStat(pid))?.startTicks ?? '';
    await writeFile(this.#pidFile(name), JSON.stringify({ pid, startTicks } satisfies Noted));
  }

  /** Polls until `check` resolves. Throws with the end of the log when the daemon has ended or time is over. */
  async untilReady(name: string, withinMs: number, check: () => Promise<unknown>): Promise<void> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      try {
        await check();
        return;
      } catch (error) {
        const ended = !(await this.isRunning(name));
        if (!ended && performance.now() < deadline) {
          await sleep(2 * POLL_MS);
          continue;
        }
        const what = ended ? 'ended' : `was not ready within ${withinMs / 1000} s`;
        throw new Error(
          `${name} ${what}: ${(error as Error).message}\n--- end of ${this.logFile(name)} ---\n${await this.#logTail(name)}`,
          { cause: error },
        );
      }
    }
  }

  /** Sends SIGTERM to all of them at once, SIGKILL after ten seconds, and waits for their ends. */
  async stop(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#stopOne(name)));
  }

  async #stopOne(name: string): Promise<void> {
    const found = await this.#find(name);
    if (found !== undefined) {
      signal(found.pid, 'SIGTERM');
      const deadline = performance.now() + TERM_MS;
      let killed = false;
      while (await isSame(found)) {
        if (!killed && performance.now() > deadline) {
          signal(found.pid, 'SIGKILL');
          killed = true;
        }
        await sleep(POLL_MS);
      }
    }
    await rm(this.#pidFile(name), { force: true });
  }

  async #find(name: string): Promise<Noted | undefined> {
    try {
      const noted = JSON.parse(await readFile(this.#pidFile(name), 'utf8')) as Noted;
      return (await isSame(noted)) ? noted : undefined;
    } catch {
      return undefined;
    }
  }

  #pidFile(name: string): string {
    return join(this.#pids, `${name}.json`);
  }

  async #logTail(name: string): Promise<string> {
    return (await readFile(this.logFile(name), 'utf8').catch(() => '')).slice(-TAIL_BYTES);
  }
}

/** Whether it still is the process that was noted, and not only its zombie. */
async function isSame({ pid, startTicks }: Noted): Promise<boolean> {
  const stat = await processStat(pid);
  return stat !== undefined && stat.startTicks === startTicks && stat.state !== 'Z';
}

/** Source: proc_pid_stat(5); the name in brackets may hold anything, the fields after it are plain. */
async function processStat(pid: number): Promise<{ state: string; startTicks: string } | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTicks: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
