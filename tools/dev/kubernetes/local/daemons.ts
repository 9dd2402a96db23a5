import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, type ProcessIdentity, processStat, sendSignal } from '../process-stat.ts';

/** A program that outlives the command that starts it. */
export interface DaemonSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const POLL_MS = 50;
const TAIL_BYTES = 3_000;

/** Daemons by name, noted in a folder, so that a later command finds and ends exactly what an earlier one started. */
export class Daemons {
  readonly #pids: string;
  readonly #logs: string;
  readonly #termMs: number;

  /** @param dirs where process ids are noted and logs written. @param termMs from SIGTERM to SIGKILL. */
  constructor(dirs: { pids: string; logs: string }, termMs = 10_000) {
    this.#termMs = termMs;
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
    await writeFile(this.#pidFile(name), JSON.stringify({ pid, startTicks } satisfies ProcessIdentity));
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

  /** Sends SIGTERM to all of them at once, later SIGKILL, and waits for their ends. */
  async stop(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#stopOne(name)));
  }

  async #stopOne(name: string): Promise<void> {
    const found = await this.#find(name);
    if (found !== undefined) {
      sendSignal(found.pid, 'SIGTERM');
      const deadline = performance.now() + this.#termMs;
      let killed = false;
      while (await isAlive(found)) {
        if (!killed && performance.now() > deadline) {
          sendSignal(found.pid, 'SIGKILL');
          killed = true;
        }
        await sleep(POLL_MS);
      }
    }
    await rm(this.#pidFile(name), { force: true });
  }

  async #find(name: string): Promise<ProcessIdentity | undefined> {
    try {
      const noted = JSON.parse(await readFile(this.#pidFile(name), 'utf8')) as ProcessIdentity;
      return (await isAlive(noted)) ? noted : undefined;
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
