import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HeldLock, LockHeldError, lockDirectory } from '@im/backends';
import { CommandError, EXIT } from '../exit-codes.ts';

/** What a running `openimctl dev` tells other commands, in `state.json` of its data directory. */
export interface DevState {
  readonly pid: number;
  readonly api: string;
  readonly ws: string;
  readonly ops: string;
  /** Admin secret by tenant. */
  readonly adminSecrets: Readonly<Record<string, string>>;
}

/** Secrets of one tenant. */
export interface TenantSecrets {
  readonly adminSecret: string;
  readonly tokenSecret: string;
}

const STATE = 'state.json';
const SECRETS = 'secrets.json';

function readJson<T>(file: string): T | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
}

function writeJson(file: string, value: unknown): void {
  const next = `${file}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(next, file);
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The state of the `openimctl dev` that runs on this directory; undefined where none does. */
export function readDevState(dir: string): DevState | undefined {
  const state = readJson<DevState>(join(dir, STATE));
  return state !== undefined && runs(state.pid) ? state : undefined;
}

/** A data directory held by this process alone, until `release`. */
export interface DataDir {
  /** Absolute. */
  readonly path: string;
  /** Secrets of a tenant, generated on first use and kept from then on. */
  secrets(tenant: string): TenantSecrets;
  publish(state: DevState): void;
  release(): Promise<void>;
}

async function lock(path: string): Promise<HeldLock> {
  try {
    return await lockDirectory(path);
  } catch (error) {
    if (!(error instanceof LockHeldError)) throw error;
    throw new CommandError(
      EXIT.environment,
      `${path} is in use by another openimctl dev (process ${error.holder}): stop that one, or give this one its own --data-dir`,
    );
  }
}

/**
 * Takes a data directory, making it where it is missing.
 * @param path absolute.
 * @throws CommandError `environment` if another process holds it.
 */
export async function takeDataDir(path: string): Promise<DataDir> {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const held = await lock(path);
  const file = join(path, SECRETS);
  const known = readJson<Record<string, TenantSecrets>>(file) ?? {};
  return {
    path,
    secrets(tenant) {
      const have = known[tenant];
      if (have !== undefined) return have;
      const made = {
        adminSecret: randomBytes(18).toString('base64url'),
        tokenSecret: randomBytes(32).toString('base64url'),
      };
      known[tenant] = made;
      writeJson(file, known);
      return made;
    },
    publish: (state) => writeJson(join(path, STATE), state),
    async release() {
      rmSync(join(path, STATE), { force: true });
      await held.release();
    },
  };
}
