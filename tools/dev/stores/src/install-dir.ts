import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { backendsCacheDir } from './cache-dir.ts';
import { holdLock } from './hold-lock.ts';
import { printToStderr } from './progress.ts';

const MANIFEST = 'manifest.json';

/** Written last into an installed folder: its presence says that the folder is whole. */
interface Manifest {
  name: string;
  version: string;
  /** The file that must exist, relative to the folder, and its size in bytes. */
  main: string;
  size: number;
}

/**
 * The folder `<cache>/<name>-<version>` with the verified contents that `fill` put there, made at most once per machine.
 *
 * `fill(dir)` writes into a new folder and returns its main file (relative); the folder gets its final name by one
 * rename after that, so a crash leaves nothing half made in sight. Processes that need the same folder wait for the
 * one that makes it. Different folders are made side by side.
 */
export async function installedDir(
  name: string,
  version: string,
  fill: (dir: string) => Promise<string>,
): Promise<string> {
  const root = backendsCacheDir();
  const dir = join(root, `${name}-${version}`);
  if (await isWhole(dir)) return dir;
  await mkdir(root, { recursive: true });
  let reported: number | undefined;
  await using _lock = await holdLock(`install ${dir}`, {
    onWait: (holder) => {
      if (holder !== process.pid && holder !== reported) {
        printToStderr(`[${name}] waiting for process ${holder}, which installs it`);
      }
      reported = holder;
    },
  });
  if (await isWhole(dir)) return dir;
  const unfinished = join(root, `.${name}-${version}.unfinished`);
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished);
  const main = await fill(unfinished);
  const { size } = await stat(join(unfinished, main));
  const manifest: Manifest = { name, version, main, size };
  await writeFile(join(unfinished, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
  await rm(dir, { recursive: true, force: true });
  await rename(unfinished, dir);
  return dir;
}

/** Whether that folder is installed already. */
export async function isInstalled(name: string, version: string): Promise<boolean> {
  return isWhole(join(backendsCacheDir(), `${name}-${version}`));
}

async function isWhole(dir: string): Promise<boolean> {
  try {
    const manifest = JSON.parse(await readFile(join(dir, MANIFEST), 'utf8')) as Manifest;
    return (await stat(join(dir, manifest.main))).size === manifest.size;
  } catch {
    return false;
  }
}

/** Throws unless the file has this SHA-256 (hexadecimal). */
export async function verifySha256(path: string, expected: string): Promise<void> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const actual = hash.digest('hex');
  if (actual !== expected) {
    throw new Error(`${path} has SHA-256 ${actual}, but ${expected} is pinned: refusing to use it`);
  }
}
