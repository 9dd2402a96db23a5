import { readFile, stat, writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { CsvUser } from '@im/admin-api';
import { ERR } from '@im/protocol';
import { type ApiTarget, callApi } from '../api-client.ts';
import { formatCsv } from '../csv.ts';
import { CommandError, EXIT, RefusedError, usageError } from '../exit-codes.ts';
import { type OutputFormat, printObject } from '../output.ts';
import { showProgress } from '../progress.ts';
import { asAdmin, resolveTarget } from '../target.ts';
import type { TargetOptions } from '../target-options.ts';
import { existingUsers } from './existing.ts';
import { readUsers } from './read-csv.ts';

/** Options of `openimctl user import`. */
export interface ImportOptions extends TargetOptions {
  file: string;
  dryRun: boolean;
  conflict: 'stop' | 'skip';
  skipped?: string;
  output: OutputFormat;
}

/** Users of one request. */
const BATCH = 100;
/** Largest file, in bytes. */
const MAX_BYTES = 67_108_864;
/** Conflicts that an error names. */
const NAMED = 5;

async function read(file: string): Promise<readonly CsvUser[]> {
  try {
    if (file !== '-' && (await stat(file)).size > MAX_BYTES)
      throw new Error(`it has more than ${MAX_BYTES} bytes; split it`);
    return readUsers(file === '-' ? await text(process.stdin) : await readFile(file, 'utf8'));
  } catch (error) {
    throw usageError(`--file: ${file}: ${error instanceof Error ? error.message : error}`);
  }
}

function batches(users: readonly CsvUser[]): CsvUser[][] {
  return Array.from({ length: Math.ceil(users.length / BATCH) }, (_, index) =>
    users.slice(index * BATCH, (index + 1) * BATCH),
  );
}

/** Which of the users exist. */
function existing(admin: ApiTarget, users: readonly CsvUser[]): Promise<ReadonlySet<string>> {
  return existingUsers(
    admin,
    users.map(({ userID }) => userID),
  );
}

async function register(admin: ApiTarget, users: readonly CsvUser[]): Promise<void> {
  const registered = users.map(({ line: _, ...user }) => user);
  await callApi(admin, '/user/user_register', { users: registered });
}

/** Registers a batch. @returns those who exist by now, of whom another one may have been faster. */
async function registerNew(admin: ApiTarget, users: readonly CsvUser[]): Promise<readonly CsvUser[]> {
  try {
    await register(admin, users);
    return [];
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== ERR.RegisteredAlreadyError) throw error;
    const known = await existing(admin, users);
    const left = users.filter(({ userID }) => !known.has(userID));
    if (left.length === users.length) throw error;
    const further = left.length === 0 ? [] : await registerNew(admin, left);
    return [...users.filter(({ userID }) => known.has(userID)), ...further];
  }
}

/**
 * Runs `openimctl user import`. Repeated after a failure with `--conflict skip`, it goes on where it stopped.
 * @throws CommandError `refused` for users who exist, with `stop`
 */
export async function importUsers(options: ImportOptions): Promise<void> {
  const { conflict, dryRun, output } = options;
  const users = await read(options.file);
  const admin = await asAdmin(await resolveTarget(options));
  const skipped: CsvUser[] = [];
  const fresh: CsvUser[] = [];
  let created = 0;
  {
    using _shown = showProgress(
      () => `${fresh.length + skipped.length} of ${users.length} examined, ${created} created`,
    );
    for (const batch of batches(users)) {
      const known = await existing(admin, batch);
      for (const user of batch) (known.has(user.userID) ? skipped : fresh).push(user);
    }
    if (skipped.length > 0 && conflict === 'stop') {
      const names = skipped.slice(0, NAMED).map(({ userID, line }) => `${userID} (line ${line})`);
      const more = skipped.length > NAMED ? ` and ${skipped.length - NAMED} more` : '';
      throw new CommandError(
        EXIT.refused,
        `${skipped.length} of ${users.length} users exist already: ${names.join(', ')}${more}; nothing was written; --conflict skip leaves them out`,
      );
    }
    if (!dryRun) {
      for (const batch of batches(fresh)) {
        const late = await registerNew(admin, batch);
        skipped.push(...late);
        created += batch.length - late.length;
      }
    }
  }
  if (options.skipped !== undefined && !dryRun) await writeSkipped(options.skipped, skipped);
  await printObject(
    {
      users: users.length,
      ...(dryRun ? { wouldCreate: fresh.length } : { created }),
      ...{ skipped: skipped.length, dryRun },
    },
    output,
  );
}

/** Rows as they were read, so that they can be corrected and imported. */
async function writeSkipped(file: string, users: readonly CsvUser[]): Promise<void> {
  const rows = users.map(({ line: _, ...user }) => user);
  await writeFile(file, formatCsv(rows, ['userID', 'nickname', 'faceURL', 'ex']), { mode: 0o600 });
}
