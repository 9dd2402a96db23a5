import { open, rename, rm, stat } from 'node:fs/promises';

const ROTATE_BYTES = 16 * 1024 * 1024;
const TAIL_BYTES = 4096;

/** Moves a log that has grown past 16 MiB aside, over the one moved before. */
export async function rotateLog(path: string): Promise<void> {
  const size = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size < ROTATE_BYTES) return;
  await rm(`${path}.1`, { force: true });
  await rename(path, `${path}.1`);
}

/** The last lines of a log from byte `from` on, 4 KiB at most; empty when there is none. */
export async function logTail(path: string, from = 0): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const start = Math.max(from, size - TAIL_BYTES);
    if (size <= start) return '';
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.subarray(0, bytesRead).toString('utf8').trimEnd();
  } catch {
    return '';
  }
}
