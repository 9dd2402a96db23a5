import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, open, realpath, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Backend, StartOptions } from './backend.ts';
import { type HeldLock, lockDirectory } from './hold-lock.ts';
import type { InstalledServer } from './install.ts';
import { type ReservedPorts, reservePorts } from './ports.ts';
import { printToStderr } from './progress.ts';
import { findOnPath } from './run-command.ts';
import { logTail, rotateLog } from './server-log.ts';
import { reapStale, writePidFile } from './stale-process.ts';

/** One kind of server: its command line and readiness check. */
export interface ServerKind {
  /** Names its log and pid file, and the server in messages. */
  name: string;
  server: InstalledServer;
  /** TCP ports to reserve; the first is the one that clients use. */
  portCount: number;
  /** Writes the config files of the server and returns its arguments and environment. Called at every start. */
  prepare(dir: string, ports: readonly number[]): Promise<{ args: string[]; env?: Record<string, string> }>;
  /** Resolves when the server answers its own protocol, rejects when it does not yet. */
  probe(ports: readonly number[], signal: AbortSignal): Promise<void>;
  uri(port: number): string;
  /** Milliseconds from SIGTERM to SIGKILL in `stop`. */
  stopWithin: number;
}

const READY_WITHIN_MS = 30_000;
const PROBE_MS = 2_000;
const PROBE_PAUSE_MS = 25;
const PORT_ATTEMPTS = 3;
/** Signals that do not end a process, so there is no exit to wait for. */
const NOT_ENDING: readonly NodeJS.Signals[] = [
  'SIGSTOP',
  'SIGCONT',
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
];

/** One start of the server's program: the child, and its end. */
interface Run {
  child: ChildProcess;
  /** How it ended, for people. Never rejects. */
  ended: Promise<string>;
  isOver: boolean;
  /** Set before this process asks it to end. */
  expected: boolean;
  logStart: number;
}

/**
 * A server as a child process: exclusive on its folder, ready when `startServer` returns, restartable on the
 * same ports and data.
 *
 * The child gets its own process group, so that Ctrl-C in a terminal reaches only this process, which stops its
 * servers in order, and dies with this process through the kernel's parent-death signal (util-linux's `setpriv`).
 * Where that program is missing, the next start on the same folder ends what was left.
 */
export async function startServer(kind: ServerKind, options: StartOptions): Promise<ServerProcess> {
  await mkdir(options.dir, { recursive: true });
  const dir = await realpath(options.dir);
  const lock = await lockDirectory(dir);
  try {
    const stale = await reapStale(pidFileOf(dir, kind.name), dir);
    if (stale !== undefined)
      printToStderr(`[${kind.name}] ended process ${stale}, left on ${dir} by a parent that crashed`);
    for (let attempt = 1; ; attempt++) {
      const fixed = options.port === undefined ? [] : [options.port];
      const reserved = await reservePorts(kind.portCount, fixed);
      const server = new ServerProcess(kind, options, dir, lock, reserved);
      try {
        await server.start();
        return server;
      } catch (error) {
        await reserved.release();
        const portTaken = error instanceof Error && /address already in use|EADDRINUSE/i.test(error.message);
        if (!portTaken || options.port !== undefined || attempt === PORT_ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    await lock.release();
    throw error;
  }
}

export class ServerProcess implements Backend {
  readonly name: string;
  readonly managed = true;
  readonly description: string;
  readonly logFile: string;
  readonly #kind: ServerKind;
  readonly #options: StartOptions;
  readonly #dir: string;
  readonly #lock: HeldLock;
  readonly #reserved: ReservedPorts;
  #run: Run | undefined;

  constructor(kind: ServerKind, options: StartOptions, dir: string, lock: HeldLock, reserved: ReservedPorts) {
    this.#kind = kind;
    this.#options = options;
    this.#dir = dir;
    this.#lock = lock;
    this.#reserved = reserved;
    this.name = kind.name;
    this.description = kind.server.description;
    this.logFile = join(dir, `${kind.name}.log`);
  }

  get port(): number {
    return this.#reserved.ports[0] ?? 0;
  }

  get uri(): string {
    return this.#kind.uri(this.port);
  }

  get pid(): number | undefined {
    return this.#run === undefined || this.#run.isOver ? undefined : this.#run.child.pid;
  }

  /** Runs the program and waits until it serves. The error of a failure ends with the end of the server's log. */
  async start(): Promise<void> {
    if (this.pid !== undefined) throw new Error(`the ${this.name} server runs already`);
    const run = await this.#spawn();
    this.#run = run;
    try {
      await this.#untilReady(run);
    } catch (error) {
      const tail = await logTail(this.logFile, run.logStart);
      await this.#end(run, 'SIGKILL', 0);
      throw new Error(`${(error as Error).message}\n--- end of ${this.logFile} ---\n${tail}`, {
        cause: error,
      });
    }
    run.child.unref();
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const run = this.#run;
    if (run === undefined || run.isOver)
      throw new Error(`cannot send ${signal}: the ${this.name} server does not run`);
    if (NOT_ENDING.includes(signal)) {
      run.child.kill(signal);
      return;
    }
    await this.#end(run, signal, Number.POSITIVE_INFINITY);
  }

  async restart(): Promise<void> {
    await this.#stopRun();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.#stopRun();
    await rm(pidFileOf(this.#dir, this.name), { force: true });
    await this.#reserved.release();
    await this.#lock.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #stopRun(): Promise<void> {
    const run = this.#run;
    if (run !== undefined && !run.isOver) await this.#end(run, 'SIGTERM', this.#kind.stopWithin);
  }

  /** Signals, waits for the end, and sends SIGKILL after `withinMs`. */
  async #end(run: Run, signal: NodeJS.Signals, withinMs: number): Promise<void> {
    if (run.isOver) return;
    run.expected = true;
    run.child.ref();
    run.child.kill(signal);
    if (signal !== 'SIGKILL') run.child.kill('SIGCONT');
    const timer =
      withinMs > 0 && Number.isFinite(withinMs)
        ? setTimeout(() => run.child.kill('SIGKILL'), withinMs)
        : undefined;
    await run.ended;
    clearTimeout(timer);
  }

  async #spawn(): Promise<Run> {
    const { server } = this.#kind;
    const { args, env } = await this.#kind.prepare(this.#dir, this.#reserved.ports);
    await rotateLog(this.logFile);
    await using log = await open(this.logFile, 'a');
    const logStart = (await stat(this.logFile)).size;
    const setpriv = await findOnPath('setpriv');
    const command = [server.command, ...server.args, ...args];
    const [program = '', ...rest] =
      setpriv === undefined ? command : [setpriv, '--pdeathsig', 'KILL', '--', ...command];
    const child = spawn(program, rest, {
      cwd: this.#dir,
      env: { ...process.env, ...server.env, ...env },
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    const run: Run = { child, ended: Promise.resolve(''), isOver: false, expected: false, logStart };
    run.ended = new Promise((resolve) => {
      const over = (how: string): void => {
        run.isOver = true;
        resolve(how);
      };
      child.once('error', (error) => over(`cannot run ${program}: ${error.message}`));
      child.once('exit', (code, signal) => over(`ended with ${code ?? signal ?? 'unknown'}`));
    });
    if (child.pid !== undefined) await writePidFile(pidFileOf(this.#dir, this.name), child.pid);
    return run;
  }

  async #untilReady(run: Run): Promise<void> {
    const within = this.#options.readyWithin ?? READY_WITHIN_MS;
    const deadline = performance.now() + within;
    let last: unknown;
    for (;;) {
      if (run.isOver) throw new Error(`the ${this.name} server ${await run.ended} before it was ready`);
      const left = deadline - performance.now();
      if (left <= 0) {
        throw new Error(
          `the ${this.name} server was not ready within ${within} ms: ${(last as Error)?.message}`,
        );
      }
      try {
        await this.#kind.probe(
          this.#reserved.ports,
          AbortSignal.timeout(Math.ceil(Math.min(left, PROBE_MS))),
        );
        break;
      } catch (error) {
        last = error;
        await sleep(PROBE_PAUSE_MS);
      }
    }
    // Another program on the same port may have answered the probe while ours failed to bind it.
    await sleep(0);
    if (run.isOver) throw new Error(`the ${this.name} server ${await run.ended} before it was ready`);
    void run.ended.then((how) => {
      if (run.expected) return;
      this.#options.onUnexpectedExit?.(new Error(`the ${this.name} server ${how}; see ${this.logFile}`));
    });
  }
}

function pidFileOf(dir: string, name: string): string {
  return join(dir, `${name}.pid`);
}
