import type { Store } from '@im/store';
import type { BeforeReply } from '@im/webhooks';
import { type SharedDecisions, sharedDecisions } from './shared-decisions.ts';

/** What webhooks decided about one message of a client. */
export interface SendDecision {
  /** They refused it. */
  readonly refused?: { readonly code: number; readonly errMsg: string; readonly detail: string };
  /** Fields that they replaced. */
  readonly modify?: BeforeReply['beforeMsgModify'];
  /** Users whom it is pushed to, none of them or these alone. @default everyone it is for */
  readonly pushTo?: readonly string[];
  /** ms; a retry is answered with the same. */
  readonly sendTime: number;
}

/** Longer than the log recognizes a retry. */
const KEPT_MS = 15 * 60_000;
/** A user may send again what was refused, once their client's own attempts are over. */
const REFUSED_MS = 60_000;

/**
 * Decisions about messages by their dedup key, in hexadecimal: a retry asks no webhook again, and its record is that of
 * the first attempt. While Redis is away, the log keeps the first record.
 */
export function sendDecisions(store: Pick<Store, 'redis' | 'redisKey'>): SharedDecisions<SendDecision> {
  return sharedDecisions(store, 'send-decision', ({ refused }) => (refused ? REFUSED_MS : KEPT_MS));
}
