/** A file of an archive. */
export interface ArchivedFile {
  /** Path below the archive's folder, of at most 90 bytes. */
  readonly path: string;
  readonly text: string;
}

const BLOCK = 512;

/** A header of POSIX 1003.1-1988 (ustar). */
function header(path: string, size: number, seconds: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, length: number) => `${value.toString(8).padStart(length - 1, '0')}\0`;
  const put = (text: string, offset: number) => block.write(text, offset, 'utf8');
  if (Buffer.byteLength(path) > 100) throw new RangeError(`${path} is too long a path for an archive`);
  put(path, 0);
  put(octal(0o600, 8), 100);
  put(octal(0, 8), 108);
  put(octal(0, 8), 116);
  put(octal(size, 12), 124);
  put(octal(seconds, 12), 136);
  put('        ', 148);
  put('0', 156);
  put('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** Files as a tar archive. @param now ms since the epoch, the time of all files. */
export function tarOf(folder: string, files: readonly ArchivedFile[], now: number): Buffer {
  const parts: Buffer[] = [];
  for (const { path, text } of files) {
    const content = Buffer.from(text, 'utf8');
    const padding = (BLOCK - (content.length % BLOCK)) % BLOCK;
    parts.push(
      header(`${folder}/${path}`, content.length, Math.floor(now / 1_000)),
      content,
      Buffer.alloc(padding),
    );
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}
