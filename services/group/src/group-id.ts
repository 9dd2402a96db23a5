import { md5Hex, randomId } from '@im/kit';

const DIGITS = 8;

/** A new group id in the form that clients know: a random 32-bit number in decimal. */
export function newGroupID(): string {
  return String(Number.parseInt(md5Hex(randomId()).slice(0, DIGITS), 16));
}
