import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

/** A login that was begun in a browser. */
export interface Transaction {
  readonly provider: string;
  readonly state: string;
  readonly nonce: string;
  /** Proves to the provider that who began the login ends it (PKCE). */
  readonly verifier: string;
  /** ms */
  readonly expires: number;
}

const CIPHER = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const PURPOSE = 'openim console login';

function keyOf(secret: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', secret, '', PURPOSE, KEY_BYTES));
}

/** A transaction for the cookie of the browser that began it: unreadable and unforgeable for all but the servers. */
export function seal(transaction: Transaction, secret: string): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, keyOf(secret), iv);
  const text = Buffer.concat([cipher.update(JSON.stringify(transaction)), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64url');
}

/** @returns the transaction, unless it was not sealed with the secret or has expired. */
export function unseal(sealed: string, secret: string, now: number): Transaction | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length <= IV_BYTES + TAG_BYTES) return undefined;
  try {
    const decipher = createDecipheriv(CIPHER, keyOf(secret), bytes.subarray(0, IV_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
    const text =
      decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    const transaction: Transaction = JSON.parse(text);
    return transaction.expires > now ? transaction : undefined;
  } catch {
    return undefined;
  }
}
