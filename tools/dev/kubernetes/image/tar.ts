const BLOCK = 512;

/** One entry of a tar archive. Paths have no leading slash; folders end with one. */
export interface TarEntry {
  readonly path: string;
  readonly type: 'file' | 'directory' | 'link';
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of files. */
  readonly content?: Buffer;
  /** Of links. */
  readonly target?: string;
}

const TYPE_FLAG = { file: '0', directory: '5', link: '2' } as const;

/**
 * The bytes of a tar archive, in pieces. The same entries always give the same bytes: times are 0, owners have no names.
 * Source: POSIX ustar; a path that does not fit its fields goes into a pax header before the entry.
 */
export function* tarOf(entries: Iterable<TarEntry>): Generator<Buffer> {
  for (const entry of entries) {
    const pax = paxRecords(entry);
    if (pax.length > 0) yield* blocks(header({ ...entry, path: 'pax', type: 'file' }, 'x', pax.length), pax);
    const content = entry.content ?? Buffer.alloc(0);
    yield* blocks(header(entry, TYPE_FLAG[entry.type], content.length), content);
  }
  yield Buffer.alloc(2 * BLOCK);
}

function* blocks(head: Buffer, content: Buffer): Generator<Buffer> {
  yield head;
  if (content.length === 0) return;
  yield content;
  const rest = content.length % BLOCK;
  if (rest > 0) yield Buffer.alloc(BLOCK - rest);
}

function header(entry: TarEntry, typeFlag: string, size: number): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  const text = (value: string, at: number, length: number): void => {
    bytes.write(value.slice(0, length), at, length, 'latin1');
  };
  const octal = (value: number, at: number, length: number): void =>
    text(`${value.toString(8).padStart(length - 1, '0')}\0`, at, length);
  text(entry.path, 0, 100);
  octal(entry.mode, 100, 8);
  octal(entry.uid, 108, 8);
  octal(entry.gid, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  text(' '.repeat(8), 148, 8);
  text(typeFlag, 156, 1);
  text(entry.target ?? '', 157, 100);
  text('ustar\u000000', 257, 8);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
  return bytes;
}

function paxRecords({ path, target }: TarEntry): Buffer {
  const records: string[] = [];
  if (!fits(path)) records.push(paxRecord('path', path));
  if (target !== undefined && !fits(target)) records.push(paxRecord('linkpath', target));
  return Buffer.from(records.join(''));
}

function fits(path: string): boolean {
  return /^[\x20-\x7e]{0,100}$/.test(path);
}

/** `<length> <key>=<value>\n`, where the length counts its own digits too. */
function paxRecord(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  const bodyBytes = Buffer.byteLength(body);
  let length = bodyBytes + 1;
  while (`${length}`.length + bodyBytes !== length) length = `${length}`.length + bodyBytes;
  return `${length}${body}`;
}
