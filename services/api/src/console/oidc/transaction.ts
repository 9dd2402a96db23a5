import { sealText, unsealText } from '../sealing.ts';

/** A login that was started in a browser. */
export interface Transaction {
  readonly provider: string;
  readonly state: string;
  readonly nonce: string;
  /** Proves to the provider that who began the login ends it (PKCE). */
  readonly verifier: string;
  /** ms */
  readonly expires: number;
}

const PURPOSE = 'openim console login';

/** A transaction for the cookie of the browser that began it: unreadable and unforgeable for all but the servers. */
export function seal(transaction: Transaction, secret: string): string {
  return sealText(JSON.stringify(transaction), secret, PURPOSE);
}

/** @returns the transaction, unless it was not sealed with the secret or has expired. */
export function unseal(sealed: string, secret: string, now: number): Transaction | undefined {
  const text = unsealText(sealed, secret, PURPOSE);
  if (text === undefined) return undefined;
  const transaction: Transaction = JSON.parse(text);
  return transaction.expires > now ? transaction : undefined;
}
