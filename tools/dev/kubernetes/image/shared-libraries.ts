import { realpath } from 'node:fs/promises';
import { CommandError, runCommand } from '@im/dev-stores';
import type { ImageEntry } from './image.ts';

/**
 * The shared libraries that an executable needs, its loader included, at the paths where the loader looks for them;
 * none for a static executable. The executable must be one that this machine can run.
 */
export async function sharedLibrariesOf(executable: string): Promise<ImageEntry[]> {
  const lines: string[] = [];
  try {
    await runCommand('ldd', [executable], { onLine: (line) => lines.push(line) });
  } catch (error) {
    const isStatic = lines.some((line) => /not a dynamic executable|statically linked/.test(line));
    if (error instanceof CommandError && isStatic) return [];
    throw error;
  }
  const paths = libraryPaths(lines.join('\n'));
  return Promise.all(paths.map(async (path) => ({ path, from: await realpath(path) })));
}

/** The paths in what ldd prints. Throws when a library was not found. */
export function libraryPaths(output: string): string[] {
  const missing = /^\s*(\S+) => not found/m.exec(output);
  if (missing) throw new Error(`shared library ${missing[1]} is not on this machine`);
  return [...output.matchAll(/(?:=>\s*|^\s*)(\/\S+) \(0x/gm)].map(([, path = '']) => path);
}
