import type { TokenRepo } from '@im/store';
import type { Job } from './job.ts';

/** Removes tokens that have expired; they are refused by their own date anyway. */
export function expireTokens(schedule: string, tokens: TokenRepo): Job {
  return {
    name: 'expire-tokens',
    schedule,
    run: (tenant) => tokens.removeExpired(tenant.id, Date.now()),
  };
}
