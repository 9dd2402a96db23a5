import type { PushTokenRepo } from '@im/store';
import type { Job } from './job.ts';

const DAY_MS = 24 * 3600 * 1000;

export interface PushTokenExpiry {
  readonly schedule: string;
  /** 0 keeps tokens until they expire, or their provider reports them as gone. */
  readonly days: number;
}

/** Removes push tokens that have expired, and those of apps that have not registered for long. */
export function expirePushTokens(
  { schedule, days }: PushTokenExpiry,
  tokens: Pick<PushTokenRepo, 'removeStale'>,
  now: () => number = Date.now,
): Job {
  return {
    name: 'expire-push-tokens',
    description: 'removes push tokens that have expired or were not registered again',
    schedule,
    run: ({ id }, signal) => {
      const at = now();
      return tokens.removeStale(
        id,
        { now: at, registeredBefore: days === 0 ? 0 : at - days * DAY_MS },
        signal,
      );
    },
  };
}
