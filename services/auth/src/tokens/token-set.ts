import type { LiveToken, TokenSet } from '@im/store';
import type { Login } from './multi-login.ts';

/** The lists of a set, which a change replaces. */
export type TokenLists = Pick<TokenSet, 'live' | 'kicked'>;

/** Kicked tokens that are remembered per platform, so that their bearers get 1506; those of older ones get 1507. */
const MAX_KICKED = 32;

/** When a token stops passing, ms since the epoch. */
export function validUntil({ expires, until }: LiveToken): number {
  return Math.min(expires, until ?? expires);
}

/** The lists with some tokens ended, and without what has expired by `now` (ms). */
export function endTokens({ live, kicked }: TokenLists, ended: ReadonlySet<string>, now: number): TokenLists {
  const justKicked = live
    .filter(({ hash }) => ended.has(hash))
    .map(({ hash, issue, expires }) => ({ hash, issue, expires }));
  return {
    live: live.filter((token) => validUntil(token) > now && !ended.has(token.hash)),
    kicked: [...kicked, ...justKicked].filter(({ expires }) => expires > now).slice(-MAX_KICKED),
  };
}

/** The tokens of a set that pass at `now` (ms), as the policy sees them. */
export function loginsOf({ platformID, live }: Pick<TokenSet, 'platformID' | 'live'>, now: number): Login[] {
  return live
    .filter((token) => validUntil(token) > now)
    .map(({ hash, issue }) => ({ platformID, hash, issue }));
}
