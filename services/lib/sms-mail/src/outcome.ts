/** Why a message was refused: constants, since they label metrics. */
export type Reason =
  /** The number or mailbox is not one that the provider can send to. */
  | 'address'
  /** The provider limits messages to this address, or of the account. */
  | 'limit'
  /** The provider does not accept the credentials, or what they may do. */
  | 'credentials'
  /** The clock of this process is wrong. */
  | 'clock'
  | 'balance'
  /** Template, signature or parameters are not as approved. */
  | 'template'
  | 'overload'
  | 'unavailable'
  /** The encrypted connection cannot be made. */
  | 'tls'
  /** The provider's address is internal, and not allowed. */
  | 'network'
  | 'rejected';

/**
 * What became of a message.
 * - `sent`: the provider has accepted it.
 * - `refused`: it was certainly not sent.
 * - `unknown`: it may have been: no answer in time, a broken connection.
 */
export type Outcome =
  | { readonly kind: 'sent'; readonly id: string }
  | { readonly kind: 'refused'; readonly reason: Reason; readonly detail: string }
  | { readonly kind: 'unknown'; readonly detail: string };

/** Longest text of a provider that is passed on to administrators. */
const DETAIL_CHARACTERS = 200;

/** @param detail code and text of the provider. */
export function refused(reason: Reason, detail: string): Outcome {
  return { kind: 'refused', reason, detail: detail.slice(0, DETAIL_CHARACTERS) };
}

export function unknown(detail: string): Outcome {
  return { kind: 'unknown', detail: detail.slice(0, DETAIL_CHARACTERS) };
}

/** Whether the fault is of the provider or the settings, so that others of the tenant meet it too. */
export function isProviderFault(outcome: Outcome): boolean {
  if (outcome.kind === 'sent') return false;
  if (outcome.kind === 'unknown') return true;
  return !['address', 'limit', 'template', 'rejected'].includes(outcome.reason);
}

/** Whether a message may be sent again at once without a risk of sending it twice, and with a chance. */
export function isWorthRepeating(outcome: Outcome): boolean {
  return outcome.kind === 'refused' && (outcome.reason === 'unavailable' || outcome.reason === 'overload');
}
