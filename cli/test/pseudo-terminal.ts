import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { environment, MAIN } from './openimctl.ts';

/** Why there is no pseudo-terminal here; undefined where there is one. */
export const NO_TERMINAL =
  process.platform === 'linux' && spawnSync('script', ['--version']).status === 0
    ? undefined
    : 'needs the script command of util-linux';

/** A command in a pseudo-terminal. */
export interface InTerminal extends AsyncDisposable {
  /** All that it wrote, escape sequences included. */
  readonly output: () => string;
  type(keys: string): void;
  kill(signal: NodeJS.Signals): void;
  /** Waits until a text is in the output after `from` characters. @returns where it ends. */
  shows(text: string | RegExp, from?: number): Promise<number>;
  /** Waits for the end. @returns exit code, and the settings of the terminal afterwards, as `stty -a` prints them. */
  end(): Promise<{ readonly code: number; readonly settings: string }>;
}

const LIMIT_MS = 60_000;

/** Starts openimctl in a pseudo-terminal of a size. */
export function startInTerminal(
  args: readonly string[],
  { columns, rows }: { readonly columns: number; readonly rows: number },
): InTerminal {
  const quoted = [process.execPath, MAIN, ...args].map((arg) => `'${arg}'`).join(' ');
  const shell = `stty cols ${columns} rows ${rows}; sh -c 'echo pid=$$; exec "$@"' sh ${quoted}; echo code=$?; stty -a`;
  const child: ChildProcess = spawn('script', ['-qefc', shell, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...environment({}), TERM: 'xterm-256color' },
  });
  let output = '';
  let wake = Promise.withResolvers<void>();
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    wake.resolve();
  });
  const closed = once(child, 'close').then(() => wake.resolve());
  async function shows(text: string | RegExp, from = 0): Promise<number> {
    const end = performance.now() + LIMIT_MS;
    for (;;) {
      const rest = output.slice(from);
      const at = rest.search(text);
      if (at >= 0) return from + at + (rest.match(text)?.[0].length ?? 0);
      if (performance.now() > end || child.exitCode !== null) {
        throw new Error(`never showed ${text}: ${JSON.stringify(output.slice(-2_000))}`);
      }
      wake = Promise.withResolvers();
      const timer = setTimeout(() => wake.resolve(), 1_000);
      await wake.promise;
      clearTimeout(timer);
    }
  }
  return {
    shows,
    output: () => output,
    type: (keys) => void child.stdin?.write(keys),
    kill(signal) {
      const [, pid] = /pid=(\d+)/.exec(output) ?? [];
      process.kill(Number(pid), signal);
    },
    async end() {
      const at = await shows(/code=\d+\r?\n/);
      await closed;
      const [, code] = /code=(\d+)\r?\n$/.exec(output.slice(0, at)) ?? [];
      return { code: Number(code), settings: output.slice(at) };
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await closed;
    },
  };
}
