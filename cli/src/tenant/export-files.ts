import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { TenantExportKind } from '@im/admin-api';
import { CommandError, EXIT, usageError } from '../exit-codes.ts';

/** How far an export is; what files have beyond it is written again. */
interface State {
  readonly version: 1;
  readonly tenant: string;
  readonly since: number;
  readonly startedAt: string;
  readonly finishedAt?: string;
  readonly cursor?: string | undefined;
  /** Lines and bytes of each file. */
  readonly files: Readonly<Record<string, { readonly lines: number; readonly bytes: number }>>;
}

/** What is exported. */
export interface ExportedTenant {
  readonly tenant: string;
  /** ms; 0 for everything. */
  readonly since: number;
}

const STATE = 'export.json';

interface OpenFile {
  readonly stream: WriteStream;
  lines: number;
  bytes: number;
}

/**
 * The directory of an export: a file of NDJSON for each kind, and `export.json`, by which an export that was interrupted goes
 * on. It has no more in memory than what its streams have not written yet.
 */
export class ExportFiles {
  readonly #dir: string;
  readonly #of: ExportedTenant;
  readonly #files = new Map<string, OpenFile>();
  readonly #startedAt: string;
  #failure: Error | undefined;
  cursor: string | undefined;

  private constructor(dir: string, of: ExportedTenant, state: State | undefined) {
    this.#dir = dir;
    this.#of = of;
    this.#startedAt = state?.startedAt ?? new Date().toISOString();
    this.cursor = state?.cursor;
  }

  /** Begins an export in a directory that is new or empty, or goes on with one. @throws CommandError for any other. */
  static async open(dir: string, of: ExportedTenant): Promise<ExportFiles> {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const found = await readdir(dir);
    if (found.length > 0 && !found.includes(STATE))
      throw usageError(`--dir: ${dir} has files of something else; name a new directory`);
    const state = found.includes(STATE) ? stateOf(await readFile(join(dir, STATE), 'utf8'), dir) : undefined;
    if (state && (state.tenant !== of.tenant || state.since !== of.since))
      throw usageError(
        `--dir: ${dir} has an export of tenant ${state.tenant} since ${new Date(state.since).toISOString()}; name another directory, or the same tenant and --since`,
      );
    if (state?.finishedAt !== undefined)
      throw usageError(`--dir: ${dir} has an export that is complete; name a new directory`);
    const files = new ExportFiles(dir, of, state);
    for (const [kind, { lines, bytes }] of Object.entries(state?.files ?? {})) {
      await truncate(files.#path(kind), bytes);
      files.#open(kind, lines, bytes);
    }
    return files;
  }

  /** Lines so far. */
  get lines(): number {
    return [...this.#files.values()].reduce((sum, { lines }) => sum + lines, 0);
  }

  /** Adds a line; waits while the disk is slower. @throws CommandError when it cannot be written. */
  async add(kind: TenantExportKind, data: object): Promise<void> {
    if (this.#failure) throw this.#failure;
    const file = this.#files.get(kind) ?? this.#open(kind, 0, 0);
    const text = `${JSON.stringify(data)}\n`;
    file.lines++;
    file.bytes += Buffer.byteLength(text);
    if (!file.stream.write(text)) await once(file.stream, 'drain').catch(() => undefined);
    if (this.#failure) throw this.#failure;
  }

  /** Makes all lines so far lasting, together with the cursor behind them. */
  async keep(isComplete = false): Promise<void> {
    for (const [kind, { stream }] of this.#files) {
      await new Promise<void>((resolve, reject) => {
        stream.write('', (error) => (error ? reject(error) : resolve()));
      });
      const handle = await open(this.#path(kind), 'r+');
      await handle.datasync();
      await handle.close();
    }
    const state: State = {
      ...{ version: 1, ...this.#of, startedAt: this.#startedAt },
      ...(isComplete ? { finishedAt: new Date().toISOString() } : { cursor: this.cursor }),
      files: Object.fromEntries([...this.#files].map(([kind, { lines, bytes }]) => [kind, { lines, bytes }])),
    };
    const path = join(this.#dir, STATE);
    await writeFile(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
    await rename(`${path}.new`, path);
  }

  async close(): Promise<void> {
    for (const { stream } of this.#files.values()) {
      stream.end();
      await finished(stream).catch(() => undefined);
    }
  }

  #path(kind: string): string {
    return join(this.#dir, `${kind}.ndjson`);
  }

  #open(kind: string, lines: number, bytes: number): OpenFile {
    const stream = createWriteStream(this.#path(kind), { flags: 'a', mode: 0o600 });
    stream.on('error', (error) => {
      this.#failure = new CommandError(
        EXIT.environment,
        `--dir: ${error.message}; the same command goes on later`,
      );
    });
    const file = { stream, lines, bytes };
    this.#files.set(kind, file);
    return file;
  }
}

function stateOf(text: string, dir: string): State {
  try {
    return JSON.parse(text) as State;
  } catch {
    throw usageError(`--dir: ${join(dir, STATE)} is not that of an export; name a new directory`);
  }
}
