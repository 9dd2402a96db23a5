import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** A command that could not be started or ended with another code than 0; the message ends with the end of its output. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export interface RunOptions {
  cwd?: string;
  /** Added to this process's environment. */
  env?: Record<string, string>;
  /** Hears every line of both outputs. */
  onLine?: (line: string) => void;
}

const KEPT_LINES = 40;

/** Runs a command to its end and returns its standard output. Throws `CommandError`. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const tail: string[] = [];
  const hear = (line: string): void => {
    tail.push(line);
    if (tail.length > KEPT_LINES) tail.shift();
    options.onLine?.(line);
  };
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  eachLine(child.stdout, hear);
  eachLine(child.stderr.setEncoding('utf8'), hear);
  const shown = [command, ...args].join(' ');
  const code = await new Promise<number | string>((resolve, reject) => {
    child.once('error', (error) => reject(new CommandError(`cannot run ${shown}: ${error.message}`)));
    child.once('close', (exitCode, signal) => resolve(exitCode ?? signal ?? 'unknown'));
  });
  if (code !== 0) throw new CommandError(`${shown} ended with ${code}:\n${tail.join('\n')}`);
  return stdout;
}

function eachLine(stream: NodeJS.ReadableStream, hear: (line: string) => void): void {
  let rest = '';
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) hear(line);
  });
  stream.on('end', () => {
    if (rest !== '') hear(rest);
  });
}

/** The absolute path of an executable on PATH, or undefined. */
export async function findOnPath(
  command: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string | undefined> {
  for (const dir of (env.PATH ?? '').split(delimiter)) {
    if (dir === '') continue;
    const path = join(dir, command);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}
