import { hash } from 'node:crypto';
import { goJsonStrings } from './json.ts';

/** Characters that Go's JSON encoder escapes inside strings and ours does not. */
const ESCAPED_BY_GO = /[<>&\u2028\u2029]/g;

function escapeLikeGo(json: string): string {
  return json.replace(ESCAPED_BY_GO, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function firstEightBytes(json: string): string {
  return hash('md5', json, 'buffer').readBigUInt64BE(0).toString();
}

/**
 * Hash of a list of ids in its order, by which clients find out whether theirs is the same: the first 8 bytes of
 * MD5 over the list's JSON text as Go writes it, big-endian, as a decimal string; `0` for an empty list.
 */
export function idHash(ids: readonly string[]): string {
  return ids.length === 0 ? '0' : firstEightBytes(goJsonStrings(ids));
}

/** Whether a client's hash, where an empty one stands for `0`, is that of these ids. */
export function matchesIdHash(known: string, ids: readonly string[]): boolean {
  return (known === '' ? '0' : known) === idHash(ids);
}

/** As {@link idHash}, over the JSON text of any list of objects; `[]` gives `0`. */
export function jsonListHash(items: readonly string[]): string {
  return items.length === 0 ? '0' : firstEightBytes(escapeLikeGo(`[${items.join(',')}]`));
}
