import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/** The program. */
export const MAIN = new URL('../src/main.ts', import.meta.url).pathname;

/** The outcome of a command. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A running openimctl. */
export interface Running {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Waits until the text is on stdout or stderr. @throws with the output so far at the end of the process or time limit. */
  says(text: string | RegExp, timeoutMs?: number): Promise<void>;
  /** Sends a signal, if one is given, and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<Outcome>;
}

/** Environment of a command: nothing of the caller's that would name another server. */
export function environment(extra: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(OPENIM_(?!MONGO_BUILD)|IM_|KUBE)/.test(name),
  );
  return { ...Object.fromEntries(own), OPENIM_CTL_CONFIG: '/nonexistent/config.json', ...extra };
}

/** How a command is started. */
export interface StartOptions {
  /** Standard input. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory; where a running dev is looked for. */
  readonly cwd?: string;
}

/** Starts a command. */
export function start(args: readonly string[], options: StartOptions = {}): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment(options.env ?? {}),
    cwd: options.cwd,
  });
  child.stdin.end(options.input ?? '');
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const closed = once(child, 'close');
  closed.catch(() => {});
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    async says(text, timeoutMs = 30_000) {
      const seen = () => [stdout, stderr].some((all) => all.search(text) >= 0);
      for (const end = performance.now() + timeoutMs; !seen(); await sleep(20)) {
        if (performance.now() > end || child.exitCode !== null) {
          throw new Error(`never said ${text}; stdout: ${stdout}\nstderr: ${stderr.slice(-4_000)}`);
        }
      }
    },
    async end(signal) {
      if (signal !== undefined) child.kill(signal);
      const [code] = await closed;
      return { code, stdout, stderr };
    },
  };
}

/** Runs a command to its end. */
export async function run(args: readonly string[], options: StartOptions = {}): Promise<Outcome> {
  return await start(args, options).end();
}

/** Runs a command with `-o json` and returns what it printed. @throws with stderr when it failed. */
export async function json<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await run([...args, '-o', 'json']);
  if (code !== 0) throw new Error(`openimctl ${args.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** Endpoints that `openimctl dev` prints when it is ready. */
export interface Ready {
  readonly ready: true;
  readonly api: string;
  readonly ws: string;
  readonly ops: string;
}

/** A running `openimctl dev`. */
export interface Dev extends Running {
  readonly ready: Ready;
  /** Time from the start of the process to the line that says ready. */
  readonly readyMs: number;
}

/** Starts `openimctl dev` on a directory, on free ports by default, and waits until it is ready. */
export async function startDev(dir: string, ...args: string[]): Promise<Dev> {
  const startedAt = performance.now();
  const ports = ['--api-port', '0', '--ws-port', '0', '--ops-port', '0'];
  const running = start(['dev', '--data-dir', dir, ...ports, ...args]);
  try {
    await running.says(/"ready":true.*\n/, 120_000);
  } catch (error) {
    running.child.kill('SIGKILL');
    throw error;
  }
  return { ...running, ready: JSON.parse(running.stdout()) as Ready, readyMs: performance.now() - startedAt };
}
