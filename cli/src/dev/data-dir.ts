import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HeldLock, LockHeldError, lockDirectory } from '@im/dev-stores';
import { CommandError, EXIT } from '../exit-codes.ts';
import { type DevState, STATE_FILE } from './state.ts';

/** Secrets of a tenant, generated at the first start and kept in the data directory. */
export interface TenantSecrets {
  readonly adminSecret: string;
  readonly tokenSecret: string;
}

const SECRETS = 'secrets.json';

function readJson<T>(file: string): T | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T) : undefined;
}

function writeJson(file: string, value: unknown): void {
  const next = `${file}.${process.pid}`;
  writeFileSync(next, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(next, file);
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
        adminSecret: randomBytes(18).toString('hex'),
        tokenSecret: randomBytes(32).toString('hex'),
      };
      known[tenant] = made;
      writeJson(file, known);
      return made;
    },
    publish: (state) => writeJson(join(path, STATE_FILE), state),
    async release() {
      rmSync(join(path, STATE_FILE), { force: true });
      await held.release();
    },
  };
}
