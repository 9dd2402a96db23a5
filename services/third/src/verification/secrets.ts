import { createHmac, randomInt } from 'node:crypto';
import { CODE_DIGITS, type CodePurpose } from '@im/contract';
import { KEY_SEPARATOR, sameSecret } from '@im/kit';

/** What of codes may be stored: addresses and codes only as they are known to those who have the tenant's secret. */
export interface CodeSecrets {
  /** Stands for an address, or anything else that names a person. */
  name(text: string): string;
  /** Stands for a code; it depends on the purpose and address, so that it is worth nothing anywhere else. */
  hash(code: GivenCode): string;
  /** Compares in constant time. */
  isSame(code: GivenCode, hash: string): boolean;
}

export interface GivenCode {
  readonly purpose: CodePurpose;
  readonly address: string;
  /** Distinguishes the code from others of the address. */
  readonly id: string;
  readonly code: string;
}

const NAME_CHARACTERS = 22;

/** @param tokenSecret one of the tenant that codes were sent with. */
export function codeSecrets(tokenSecret: string): CodeSecrets {
  const mac = (...parts: readonly string[]) =>
    createHmac('sha256', `verification:${tokenSecret}`).update(parts.join(KEY_SEPARATOR)).digest('base64url');
  const hash = ({ purpose, address, id, code }: GivenCode) => mac('code', purpose, address, id, code);
  return {
    name: (text) => mac('name', text).slice(0, NAME_CHARACTERS),
    hash,
    isSame: (code, wanted) => sameSecret(hash(code), wanted),
  };
}

/** A random code; all are equally likely. */
export function newCode(): string {
  return String(randomInt(0, 10 ** CODE_DIGITS)).padStart(CODE_DIGITS, '0');
}
