import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { holdLock } from '@im/dev-stores';
import { isAlive, type ProcessIdentity, processStat } from './process-stat.ts';

const BROUGHT_UP = 'brought-up';

/**
 * Who uses the machine's cluster for a test, so that the last one can stop it. Processes that ended without leaving do
 * not count.
 */
export class ClusterUsers {
  readonly #dir: string;
  readonly #own: string;

  constructor(dir: string) {
    this.#dir = dir;
    // One process may use it several times.
    this.#own = `${process.pid}-${crypto.randomUUID()}.json`;
  }

  async enter(): Promise<void> {
    await using _lock = await this.#lock();
    await mkdir(this.#dir, { recursive: true });
    const stat = await processStat(process.pid);
    const identity: ProcessIdentity = { pid: process.pid, startTicks: stat?.startTicks ?? '' };
    await writeFile(join(this.#dir, this.#own), JSON.stringify(identity));
  }

  /** Records that the cluster is up for tests alone. */
  async noteBroughtUp(): Promise<void> {
    await writeFile(join(this.#dir, BROUGHT_UP), '');
  }

  /** Whether the cluster is up for tests alone and has no user any more: then the last one to leave stops it. */
  async leave(): Promise<boolean> {
    await using _lock = await this.#lock();
    await rm(join(this.#dir, this.#own), { force: true });
    const names: string[] = await readdir(this.#dir).catch(() => []);
    for (const name of names) {
      if (name !== BROUGHT_UP && (await this.#lives(name))) return false;
    }
    await rm(this.#dir, { recursive: true, force: true });
    return names.includes(BROUGHT_UP);
  }

  /** From now on the cluster stays up, used or not. */
  async keep(): Promise<void> {
    await rm(join(this.#dir, BROUGHT_UP), { force: true });
  }

  async #lives(name: string): Promise<boolean> {
    try {
      return await isAlive(JSON.parse(await readFile(join(this.#dir, name), 'utf8')) as ProcessIdentity);
    } catch {
      return false;
    }
  }

  #lock() {
    return holdLock(`users of ${this.#dir}`);
  }
}
