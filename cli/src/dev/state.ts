import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** State that a running `openimctl dev` publishes for other commands, in a file of its data directory. */
export interface DevState {
  readonly pid: number;
  readonly api: string;
  readonly ws: string;
  readonly ops: string;
  readonly adminUser: string;
  /** Admin secret by tenant. */
  readonly adminSecrets: Readonly<Record<string, string>>;
  /** Settings of the config that name its stores, by dotted path; absent where an earlier version runs. */
  readonly stores?: Readonly<Record<string, unknown>>;
}

/** Name of the file in the data directory. */
export const STATE_FILE = 'state.json';

/** Data directory of `openimctl dev`, and where other commands look for one, when none is named. */
export const DEFAULT_DATA_DIR = '.dev';

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The state of the `openimctl dev` that runs on this directory; undefined where none does. */
export function readDevState(dir: string): DevState | undefined {
  const file = join(dir, STATE_FILE);
  if (!existsSync(file)) return undefined;
  const state = JSON.parse(readFileSync(file, 'utf8')) as DevState;
  return runs(state.pid) ? state : undefined;
}
