import { hash, randomFillSync } from 'node:crypto';
import { hostname } from 'node:os';

/** What an id names; part of its token, so that a user and a group of the same id never collide. */
export type TokenKind = 'user' | 'group' | 'conversation' | 'client-msg' | 'object' | (string & {});

/**
 * A user-supplied id as a safe word for subjects and keys: base64url of the first 12 bytes of
 * SHA-256(kind NUL id), always 16 characters of `A-Z a-z 0-9 - _`.
 */
export function token16(kind: TokenKind, id: string): string {
  // 12 bytes are exactly 16 characters.
  return hash('sha256', `${kind}\0${id}`, 'base64url').slice(0, 16);
}

/** MD5 as 32 lower-case hexadecimal digits: ids of the wire protocol, never security. */
export function md5Hex(data: string | Uint8Array): string {
  return hash('md5', data, 'hex');
}

const LENGTH_BYTES = 4;

/** SHA-256 over several parts, each preceded by its length so that parts never run together. */
export function sha256Parts(...parts: readonly (string | Uint8Array)[]): Buffer {
  let size = 0;
  for (const part of parts) {
    size += LENGTH_BYTES + (typeof part === 'string' ? Buffer.byteLength(part) : part.length);
  }
  const all = Buffer.allocUnsafe(size);
  let at = 0;
  for (const part of parts) {
    const start = at + LENGTH_BYTES;
    if (typeof part === 'string') at = start + all.write(part, start);
    else {
      all.set(part, start);
      at = start + part.length;
    }
    all.writeUInt32BE(at - start, start - LENGTH_BYTES);
  }
  return hash('sha256', all, 'buffer');
}

/** Random bytes for ids, each used once: asking for a few costs as much as for all of them. */
const RANDOM = Buffer.alloc(4_096);
let randomAt = RANDOM.length;

/** A random id of `bytes` bytes, at most 4,096, as lower-case hexadecimal. @default 16 bytes */
export function randomId(bytes = 16): string {
  if (randomAt + bytes > RANDOM.length) {
    randomFillSync(RANDOM);
    randomAt = 0;
  }
  const start = randomAt;
  randomAt += bytes;
  return RANDOM.toString('hex', start, randomAt);
}

/** Name of this process among its peers: host name and 8 random digits, safe in subjects and keys. */
export function newInstanceId(): string {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 63);
  return `${host}-${randomId(4)}`;
}
