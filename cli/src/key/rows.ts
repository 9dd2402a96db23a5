import type { Row } from '../output.ts';

/** What a key is for: it signs tokens, or is the secret of administrators. */
export type KeyPurpose = 'signing' | 'admin';

/** A key as it is listed; its ID does not tell it. */
export interface KeyRow extends Row {
  readonly purpose: string;
  readonly id: string;
  /** Current, Next, Former or Ended. */
  readonly state: string;
  readonly until: string | null;
  /** How long it has been in use, for people; null where that is not known. */
  readonly age: string | null;
}

/** Columns of the list of keys. */
export const KEY_COLUMNS = ['purpose', 'id', 'state', 'since', 'until', 'age'] as const;
