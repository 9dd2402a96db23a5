import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder below the system's temporary one. */
export function temporaryDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'openim-test-'));
}

/** Removes such a folder with all that it holds. */
export async function removeDir(dir: string): Promise<void> {
  if (dir !== '') await rm(dir, { recursive: true, force: true });
}
