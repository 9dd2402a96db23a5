import { randomInt } from 'node:crypto';
import { argsError } from '@im/protocol';

/** Letters, digits and `_` of any script; so no id contains the separators of keys and routes. */
const LEGAL = /^[\p{L}\p{Nd}_]+$/u;
const MAX_LENGTH = 64;

/** @throws ImError 1001 when a new user cannot have this id. */
export function checkUserID(userID: string): void {
  if (userID === '') throw argsError('userID is empty');
  // The text that OpenIM answers, misleading as it is.
  if (!LEGAL.test(userID)) throw argsError('userID is legal');
  if (userID.length > MAX_LENGTH) throw argsError(`userID is longer than ${MAX_LENGTH}`);
}

/** An id for an account that was given none: ten digits, the first not 0. */
export function randomUserID(): string {
  return String(randomInt(1_000_000_000, 10_000_000_000));
}
