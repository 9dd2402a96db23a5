import type { BanRepo, TokenRepo } from '@im/store';
import type { Job } from './job.ts';

/** Removes tokens that have expired, and bans that have ended; neither has an effect any more. */
export function expireTokens(
  schedule: string,
  tokens: Pick<TokenRepo, 'removeExpired'>,
  bans: Pick<BanRepo, 'removeEnded'>,
): Job {
  return {
    name: 'expire-tokens',
    description: 'removes login tokens that have expired, and bans that have ended',
    schedule,
    async run({ id }) {
      const now = Date.now();
      return (await tokens.removeExpired(id, now)) + (await bans.removeEnded(id, now));
    },
  };
}
