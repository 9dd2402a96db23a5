import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runtimeFlags, type ServerConfigInput } from '@im/contract';
import { messageOf } from '@im/kit';
import type { ProcessPlan } from './cluster-plan.ts';
import { type Metrics, parseMetrics } from './metrics.ts';

const ENTRY = new URL('../../../../services/main/src/entry.ts', import.meta.url).pathname;
/** Asks the kernel to end the child when the parent ends, however it ends. From util-linux. */
const SETPRIV = '/usr/bin/setpriv';
const READY_TIMEOUT_MS = 240_000;
const STOP_TIMEOUT_MS = 90_000;

/** Options of a process; unset ones have the product's defaults. */
export interface ServerProcessOptions {
  /** Folder of configs and logs. */
  readonly dir: string;
  /** Entry file; tests of mutants have their own. */
  readonly entry?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Flags of the runtime, for instance `--expose-gc`. */
  readonly nodeFlags?: readonly string[];
}

/** One process of a cluster. */
export interface ServerProcess {
  readonly name: string;
  readonly plan: ProcessPlan;
  readonly logFile: string;
  /** Undefined while it does not run. */
  readonly pid: number | undefined;
  /** Starts the process; resolves before it is ready. */
  start(): void;
  /** Waits for 200 from /readyz. @throws Error with the end of the log when the process ends or time is up. */
  untilReady(timeoutMs?: number): Promise<void>;
  /** SIGTERM, and waits for the end. @returns the exit code; SIGKILL after 90 s. */
  stop(): Promise<number | undefined>;
  /** Sends a signal; one that ends the process is waited for. Default SIGKILL. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  pause(): void;
  resume(): void;
  /** Changes its config file, which a running process polls every 2 s. */
  configure(changes: Partial<ServerConfigInput>): void;
  metrics(): Promise<Metrics>;
  /** The answer of a path on the ops port, asked with the key of the cluster. */
  ops(path: string, method?: string): Promise<{ status: number; text: string }>;
  log(): string;
}

export function serverProcess(plan: ProcessPlan, options: ServerProcessOptions): ServerProcess {
  const configFile = join(options.dir, `${plan.name}.json`);
  const logFile = join(options.dir, `${plan.name}.log`);
  const key = plan.config.rpc?.key ?? '';
  let child: ChildProcess | undefined;
  let ended: Promise<number | undefined> = Promise.resolve(undefined);
  let howItEnded = '';
  let logStart = 0;
  let { config } = plan;

  function writeConfig(): void {
    // Moved into place: the process never reads half of it.
    writeFileSync(`${configFile}.new`, JSON.stringify(config, null, 2));
    renameSync(`${configFile}.new`, configFile);
  }

  function start(): void {
    if (child) throw new Error(`${plan.name} runs already`);
    writeConfig();
    logStart = readLog().length;
    const log = openSync(logFile, 'a');
    const command = [
      process.execPath,
      ...runtimeFlags(plan.roles),
      ...(options.nodeFlags ?? []),
      options.entry ?? ENTRY,
      'serve',
      ...plan.roles,
      '--config',
      configFile,
    ];
    const argv = existsSync(SETPRIV) ? [SETPRIV, '--pdeathsig', 'KILL', ...command] : command;
    const started = spawn(argv[0] as string, argv.slice(1), {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...options.env },
    });
    closeSync(log);
    child = started;
    ended = once(started, 'exit').then(([code, signal]) => {
      howItEnded = signal ? `by ${signal}` : `with ${code}`;
      if (child === started) child = undefined;
      return typeof code === 'number' ? code : undefined;
    });
    ended.catch(() => {});
  }

  async function ops(path: string, method = 'GET'): Promise<{ status: number; text: string }> {
    const response = await fetch(`http://127.0.0.1:${plan.opsPort}${path}`, {
      method,
      headers: key === '' ? {} : { authorization: `Bearer ${key}` },
      signal: AbortSignal.timeout(5_000),
    });
    return { status: response.status, text: await response.text() };
  }

  const readLog = (): string => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '');

  async function untilReady(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    let last = 'no answer';
    for (;;) {
      if (!child) {
        throw new Error(
          `${plan.name} ended ${howItEnded} before it was ready\n${tail(readLog().slice(logStart))}`,
        );
      }
      try {
        const { status, text } = await ops('/readyz');
        if (status === 200) return;
        last = text.trim();
      } catch (error) {
        last = messageOf(error);
      }
      if (performance.now() > deadline) {
        throw new Error(
          `${plan.name} not ready after ${timeoutMs} ms: ${last}\n${tail(readLog().slice(logStart))}`,
        );
      }
      await sleep(50);
    }
  }

  function send(signal: NodeJS.Signals): void {
    if (!child) throw new Error(`${plan.name} does not run`);
    child.kill(signal);
  }

  return {
    name: plan.name,
    plan,
    logFile,
    get pid() {
      return child?.pid;
    },
    start,
    untilReady,
    async stop() {
      if (!child) return undefined;
      const timer = setTimeout(() => child?.kill('SIGKILL'), STOP_TIMEOUT_MS);
      send('SIGTERM');
      const code = await ended;
      clearTimeout(timer);
      return code;
    },
    async kill(signal = 'SIGKILL') {
      send(signal);
      await ended;
    },
    pause: () => send('SIGSTOP'),
    resume: () => send('SIGCONT'),
    configure(changes) {
      config = { ...config, ...changes };
      writeConfig();
    },
    metrics: async () => parseMetrics((await ops('/metrics')).text),
    ops,
    log: readLog,
  };
}

/** Lines of a log that an error quotes. */
function tail(log: string): string {
  return log.split('\n').slice(-25).join('\n');
}
