import type { MultiLogin } from '@im/contract';
import type { LiveToken, TokenSet, TokenSetChange } from '@im/store';
import { superseded } from './multi-login.ts';
import { endTokens, loginsOf } from './token-set.ts';

/** What is known of a user's tokens before a login. */
export interface LoginState {
  /** The last number that the user was given; 0 before the first. */
  readonly lastIssue: number;
  /** The sets of all platforms that have one. */
  readonly sets: readonly TokenSet[];
}

/** A login that is to be planned. */
export interface LoginRequest<T extends { readonly live: LiveToken }> {
  readonly userID: string;
  readonly platformID: number;
  readonly multiLogin: MultiLogin;
  /** ms since the epoch. */
  readonly now: number;
  /** Makes the token of an issue number. */
  readonly make: (issue: number) => T;
}

/** A changed set, and the hashes of its tokens that the change ends. */
export interface PlannedChange extends TokenSetChange {
  readonly ended: readonly string[];
}

/** What a login makes of a user's tokens. */
export interface LoginPlan<T> {
  readonly issue: number;
  readonly made: T;
  /** Of the platform of the login, and of each platform that loses tokens by it. */
  readonly changes: readonly PlannedChange[];
}

/** Whether tokens of one platform are ended by logins on others, so that two logins may meet without a common set. */
export function spansPlatforms({ policy }: MultiLogin): boolean {
  return policy === 4 || policy === 5;
}

/** Decides a login from what was read, as though nothing else happened: it holds if that is still so when it is written. */
export function planLogin<T extends { readonly live: LiveToken }>(
  { lastIssue, sets }: LoginState,
  { userID, platformID, multiLogin, now, make }: LoginRequest<T>,
): LoginPlan<T> {
  const issue = lastIssue + 1;
  const made = make(issue);
  const { live } = made;
  const before = sets.find((set) => set.platformID === platformID) ?? {
    userID,
    platformID,
    rev: 0,
    live: [],
    kicked: [],
  };
  const own = { ...before, live: [...before.live.filter(({ hash }) => hash !== live.hash), live] };
  const others = sets.filter((set) => set.platformID !== platformID);
  const losers = superseded(
    multiLogin,
    [own, ...others].flatMap((set) => loginsOf(set, now)),
  );
  const endedOn = (platform: number) =>
    losers.filter((login) => login.platformID === platform).map(({ hash }) => hash);
  const changes = [
    plannedChange(before, own, endedOn(platformID), now),
    ...others.flatMap((set) => {
      const ended = endedOn(set.platformID);
      return ended.length === 0 ? [] : [plannedChange(set, set, ended, now)];
    }),
  ];
  return { issue, made, changes };
}

function plannedChange(
  before: TokenSet,
  changed: TokenSet,
  ended: readonly string[],
  now: number,
): PlannedChange {
  const lists = endTokens(changed, new Set(ended), now);
  return { before, after: { ...changed, ...lists, rev: before.rev + 1 }, ended };
}
