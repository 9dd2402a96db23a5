import { createHash, hash, randomBytes } from 'node:crypto';
import { hostname } from 'node:os';

/** What an id names; part of its token, so that a user and a group of the same id never collide. */
export type TokenKind = 'user' | 'group' | 'conversation' | 'client-msg' | 'object' | (string & {});

/**
 * A user-supplied id as a safe word for subjects and keys: base64url of the first 12 bytes of
 * SHA-256(kind NUL id), always 16 characters of `A-Z a-z 0-9 - _`.
 */
export function token16(kind: TokenKind, id: string): string {
  return hash('sha256', `${kind}\0${id}`, 'buffer').subarray(0, 12).toString('base64url');
}

/** MD5 as 32 lower-case hexadecimal digits: ids of the wire protocol, never security. */
export function md5Hex(data: string | Uint8Array): string {
  return hash('md5', data, 'hex');
}

/** SHA-256 over several parts, each preceded by its length so that parts never run together. */
export function sha256Parts(...parts: readonly (string | Uint8Array)[]): Buffer {
  const digest = createHash('sha256');
  for (const part of parts) {
    const bytes = typeof part === 'string' ? Buffer.from(part) : part;
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    digest.update(length).update(bytes);
  }
  return digest.digest();
}

/** A random id of `bytes` bytes as lower-case hexadecimal; 16 bytes unless told. */
export function randomId(bytes = 16): string {
  return randomBytes(bytes).toString('hex');
}

/** Name of this process among its peers: host name and 8 random digits, safe in subjects and keys. */
export function newInstanceId(): string {
  const host = hostname()
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
    .slice(0, 63);
  return `${host}-${randomId(4)}`;
}
