import { hash } from 'node:crypto';
import { KEY_SEPARATOR } from './keys.ts';

/**
 * Name under which a token is stored and remembered: base64url of 16 bytes of its SHA-256.
 * The token itself is kept nowhere.
 */
export function tokenHash(token: string): string {
  return hash('sha256', token, 'buffer').subarray(0, 16).toString('base64url');
}

/** Cache of verified tokens: every process that keeps one uses this name. */
export const TOKEN_CACHE = 'token';

/** Key in {@link Invalidations} of a token that no longer passes. */
export function tokenInvalidationKey(hashOfToken: string): string {
  return `${TOKEN_CACHE}${KEY_SEPARATOR}${hashOfToken}`;
}
